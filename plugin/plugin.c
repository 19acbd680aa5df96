/* What a host calls: descriptor, instances, ports. */
#include "plugin.h"

#include <lv2/buf-size/buf-size.h>
#include <lv2/options/options.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_BLOCK = 8192 };

/* --------------------------------------------------------------------- log */

void plug_say(const plug_instance *p, bool is_error, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (p->log != NULL && p->map != NULL)
        p->log->printf(p->log->handle,
                       is_error ? p->name.log_error : p->name.log_note,
                       "demucs-onnx: %s\n", line);
    else if (is_error)
        fprintf(stderr, "demucs-onnx: %s\n", line);
}

plug_engine *plug_load(const plug_instance *p, const plug_settings *s)
{
    const plug_limits limits = {p->stems, p->rate, p->block};
    dmx_error err = DMX_ERROR_INIT;
    plug_engine *e = NULL;
    if (s->model[0] == '\0')
        return calloc(1, sizeof *e);
    if (plug_engine_open(&e, s, &limits, &err) != DMX_OK)
        plug_say(p, true, "%s", err.message);
    else
        plug_say(p, false, "%zu stems, %lld frames behind", e->stems,
                 (long long)e->latency);
    return e;
}

/* ---------------------------------------------------------------- features */

static void take_options(plug_instance *p, const LV2_Options_Option *o)
{
    for (; o != NULL && p->map != NULL && o->key != 0; o++)
        if (o->key == p->name.max_block && o->type == p->name.atom_int &&
            o->size == sizeof(int32_t)) {
            int32_t n;
            memcpy(&n, o->value, sizeof n);
            if (n > 0 && n <= 1 << 20)
                p->block = n;
        }
}

static void take_features(plug_instance *p, const LV2_Feature *const *features)
{
    const LV2_Options_Option *options = NULL;
    for (; features != NULL && *features != NULL; features++) {
        const char *uri = (*features)->URI;
        void *data = (*features)->data;
        if (strcmp(uri, LV2_URID__map) == 0)
            p->map = data;
        else if (strcmp(uri, LV2_LOG__log) == 0)
            p->log = data;
        else if (strcmp(uri, LV2_WORKER__schedule) == 0)
            p->schedule = data;
        else if (strcmp(uri, LV2_OPTIONS__options) == 0)
            options = data;
    }
    if (p->map == NULL)
        return;
    plug_names_map(&p->name, p->map);
    lv2_atom_forge_init(&p->forge, p->map);
    take_options(p, options);
}

/* --------------------------------------------------------------- instances */

/* The model that an instance starts with before any session is restored: the
 * environment's, or none. */
static void take_default_model(plug_instance *p)
{
    const char *model = getenv("DEMUCS_ONNX_LV2_MODEL");
    if (model == NULL || model[0] == '\0')
        return;
    if (!plug_set_model(&p->kept, model, strlen(model) + 1)) {
        plug_say(p, true,
                 "DEMUCS_ONNX_LV2_MODEL: not an absolute path of less "
                 "than 2048 bytes");
        return;
    }
    p->engine = plug_load(p, &p->kept);
}

static LV2_Handle instantiate(const LV2_Descriptor *descriptor, double rate,
                              const char *bundle,
                              const LV2_Feature *const *features)
{
    (void)bundle;
    plug_instance *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    for (int i = 0; i < PLUG_KINDS; i++)
        if (strcmp(descriptor->URI, plug_kinds[i].uri) == 0)
            p->stems = plug_kinds[i].stems;
    p->rate = rate;
    p->block = USUAL_BLOCK;
    p->wet = 1;
    for (size_t k = 0; k < p->stems; k++)
        p->level[k] = 1;
    pthread_mutex_init(&p->lock, NULL);
    plug_settings_init(&p->kept);
    take_features(p, features);
    take_default_model(p);
    p->wanted = p->kept;
    return p;
}

static void **port_of(plug_instance *p, uint32_t index)
{
    plug_ports *port = &p->port;
    const uint32_t stems = (uint32_t)p->stems;
    if (index < 2)
        return (void **)&port->in[index];
    index -= 2;
    if (index < 2 * stems)
        return (void **)&port->out[index];
    index -= 2 * stems;
    if (index < stems)
        return (void **)&port->gain[index];
    void **const rest[] = {
        (void **)&port->enabled, (void **)&port->freewheel,
        (void **)&port->latency, (void **)&port->status,
        (void **)&port->load,    (void **)&port->control,
        (void **)&port->notify,
    };
    index -= stems;
    return index < sizeof rest / sizeof *rest ? rest[index] : NULL;
}

static void connect_port(LV2_Handle handle, uint32_t index, void *data)
{
    void **const port = port_of(handle, index);
    if (port != NULL)
        *port = data;
}

static void activate(LV2_Handle handle)
{
    plug_instance *p = handle;
    dmx_error err = DMX_ERROR_INIT;
    if (plug_engine_renew(p->engine, &err) != DMX_OK)
        plug_say(p, true, "%s", err.message);
}

static void cleanup(LV2_Handle handle)
{
    plug_instance *p = handle;
    plug_engine_close(p->engine);
    plug_engine_close(p->trash);
    plug_engine_close(atomic_load(&p->handed));
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static const void *extension(const char *uri)
{
    if (strcmp(uri, LV2_STATE__interface) == 0)
        return &plug_state;
    return strcmp(uri, LV2_WORKER__interface) == 0 ? &plug_worker : NULL;
}

#define DESCRIPTOR(uri)                                                        \
    {                                                                          \
        uri, instantiate, connect_port, activate, plug_run, NULL, cleanup,     \
            extension                                                          \
    }

LV2_SYMBOL_EXPORT const LV2_Descriptor *lv2_descriptor(uint32_t index)
{
    static const LV2_Descriptor all[PLUG_KINDS] = {
        DESCRIPTOR(PLUG_URI "stems4"),
        DESCRIPTOR(PLUG_URI "stems6"),
    };
    return index < PLUG_KINDS ? &all[index] : NULL;
}
