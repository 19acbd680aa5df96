#include "host.h"

#include <dlfcn.h>
#include <lv2/atom/util.h>
#include <lv2/buf-size/buf-size.h>
#include <lv2/log/log.h>
#include <lv2/options/options.h>
#include <lv2/patch/patch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of all that threads share here; the plug-in never sees it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* -------------------------------------------------------------------- URIs */

static char *uris[256];
static LV2_URID n_uris;

LV2_URID host_urid(const char *uri)
{
    pthread_mutex_lock(&lock);
    LV2_URID i = 0;
    while (i < n_uris && strcmp(uris[i], uri) != 0)
        i++;
    assert_true(i < 256);
    if (i == n_uris)
        uris[n_uris++] = strdup(uri);
    pthread_mutex_unlock(&lock);
    return i + 1;
}

static LV2_URID map_uri(LV2_URID_Map_Handle handle, const char *uri)
{
    (void)handle;
    return host_urid(uri);
}

static LV2_URID_Map map = {NULL, map_uri};

/* --------------------------------------------------------------------- log */

static char said[4096];

static int log_vprintf(LV2_Log_Handle handle, LV2_URID type, const char *fmt,
                       va_list args)
{
    (void)handle, (void)type;
    pthread_mutex_lock(&lock);
    const int n = vsnprintf(said, sizeof said, fmt, args);
    pthread_mutex_unlock(&lock);
    return n;
}

static int log_printf(LV2_Log_Handle handle, LV2_URID type, const char *fmt,
                      ...) __attribute__((format(printf, 3, 4)));
static int log_printf(LV2_Log_Handle handle, LV2_URID type, const char *fmt,
                      ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = log_vprintf(handle, type, fmt, args);
    va_end(args);
    return n;
}

static LV2_Log_Log logger = {NULL, log_printf, log_vprintf};

const char *host_log(void)
{
    static char last[sizeof said];
    pthread_mutex_lock(&lock);
    memcpy(last, said, sizeof said);
    said[0] = '\0';
    pthread_mutex_unlock(&lock);
    return last;
}

/* ------------------------------------------------------------------ worker */

static LV2_Worker_Status schedule(LV2_Worker_Schedule_Handle handle,
                                  uint32_t size, const void *data)
{
    host *h = handle;
    pthread_mutex_lock(&lock);
    const bool fits = h->jobs < HOST_JOBS;
    if (fits) {
        h->job[h->jobs].data = malloc(size);
        memcpy(h->job[h->jobs].data, data, size);
        h->job[h->jobs++].size = size;
    }
    pthread_mutex_unlock(&lock);
    return fits ? LV2_WORKER_SUCCESS : LV2_WORKER_ERR_NO_SPACE;
}

static const LV2_Worker_Interface *worker_of(const host *h)
{
    return h->descriptor->extension_data(LV2_WORKER__interface);
}

static LV2_Worker_Status respond(LV2_Worker_Respond_Handle handle,
                                 uint32_t size, const void *data)
{
    host *h = handle;
    pthread_mutex_lock(&lock);
    const bool fits = h->responses < HOST_JOBS && size == sizeof h->response[0];
    if (fits)
        memcpy(&h->response[h->responses++], data, size);
    pthread_mutex_unlock(&lock);
    return fits ? LV2_WORKER_SUCCESS : LV2_WORKER_ERR_NO_SPACE;
}

/* In the audio thread, as hosts do it. */
static void give_responses(host *h)
{
    uint32_t response[HOST_JOBS];
    pthread_mutex_lock(&lock);
    const int n = h->responses;
    memcpy(response, h->response, sizeof response);
    h->responses = 0;
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < n; i++)
        worker_of(h)->work_response(h->handle, sizeof response[i],
                                    &response[i]);
}

static void *next_job(host *h, uint32_t *size)
{
    void *data = NULL;
    pthread_mutex_lock(&lock);
    if (h->jobs > 0) {
        data = h->job[0].data;
        *size = h->job[0].size;
        h->jobs--;
        memmove(h->job, h->job + 1, (size_t)h->jobs * sizeof *h->job);
    }
    pthread_mutex_unlock(&lock);
    return data;
}

void host_work(host *h)
{
    uint32_t size;
    for (void *data = next_job(h, &size); data != NULL;
         data = next_job(h, &size)) {
        worker_of(h)->work(h->handle, respond, h, size, data);
        free(data);
    }
}

/* --------------------------------------------------------------- instances */

static const LV2_Descriptor *descriptor_of(size_t stems)
{
    static void *module;
    if (module == NULL)
        module = dlopen(DMX_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL)
        fail_msg("%s", dlerror());
    const LV2_Descriptor_Function all =
        (LV2_Descriptor_Function)(intptr_t)dlsym(module, "lv2_descriptor");
    assert_non_null(all);
    assert_null(all(2));
    return all(stems == 4 ? 0 : 1);
}

static void connect(host *h)
{
    const LV2_Descriptor *d = h->descriptor;
    const uint32_t k = (uint32_t)h->stems, first = 2 + 2 * k;
    for (uint32_t i = 0; i < k; i++)
        d->connect_port(h->handle, first + i, &h->gain[i]);
    d->connect_port(h->handle, first + k, &h->enabled);
    d->connect_port(h->handle, first + k + 1, &h->freewheel);
    d->connect_port(h->handle, first + k + 2, &h->latency);
    d->connect_port(h->handle, first + k + 3, &h->status);
    d->connect_port(h->handle, first + k + 4, &h->load);
    d->connect_port(h->handle, first + k + 5, h->control);
    d->connect_port(h->handle, first + k + 6, h->notify);
    d->connect_port(h->handle, first + k + 7, NULL); /* there is none */
}

host *host_open(size_t stems, double rate, bool features)
{
    host *h = calloc(1, sizeof *h);
    h->enabled = 1;
    h->stems = stems;
    h->descriptor = descriptor_of(stems);
    h->has_worker = features;
    LV2_Worker_Schedule worker = {h, schedule};
    static LV2_Worker_Schedule kept[64];
    static size_t used;
    kept[used % 64] = worker; /* outlives the instance */
    const int32_t block = 4096;
    const LV2_Options_Option options[] = {
        {LV2_OPTIONS_INSTANCE, 0, host_urid(LV2_BUF_SIZE__maxBlockLength),
         sizeof block, host_urid(LV2_ATOM__Int), &block},
        {LV2_OPTIONS_INSTANCE, 0, 0, 0, 0, NULL}};
    const LV2_Feature a = {LV2_URID__map, &map}, b = {LV2_LOG__log, &logger},
                      c = {LV2_WORKER__schedule, &kept[used++ % 64]},
                      o = {LV2_OPTIONS__options, (void *)options};
    const LV2_Feature *const all[] = {&a, &b, &c, &o, NULL};
    h->handle = h->descriptor->instantiate(h->descriptor, rate, "/",
                                           features ? all : NULL);
    assert_non_null(h->handle);
    if (features)
        connect(h);
    h->descriptor->activate(h->handle);
    return h;
}

void host_close(host *h)
{
    host_work(h);
    h->descriptor->cleanup(h->handle);
    free(h);
}

void host_run(host *h, const float *const *in, float *const *out, uint32_t n)
{
    LV2_Atom_Sequence *control = (LV2_Atom_Sequence *)(void *)h->control;
    LV2_Atom_Sequence *notify = (LV2_Atom_Sequence *)(void *)h->notify;
    if (!h->heard_message) {
        control->atom.type = host_urid(LV2_ATOM__Sequence);
        control->atom.size = sizeof control->body;
        memset(&control->body, 0, sizeof control->body);
    }
    notify->atom.type = host_urid(LV2_ATOM__Chunk);
    notify->atom.size = HOST_BUFFER - sizeof notify->atom;
    for (uint32_t c = 0; c < 2; c++)
        h->descriptor->connect_port(h->handle, c, (void *)(intptr_t)in[c]);
    for (uint32_t r = 0; r < 2 * h->stems; r++)
        h->descriptor->connect_port(h->handle, 2 + r, out[r]);
    h->descriptor->run(h->handle, n);
    if (h->has_worker)
        give_responses(h);
    h->heard_message = false;
}

/* ---------------------------------------------------------------- messages */

static void begin(host *h, LV2_Atom_Forge *f, LV2_Atom_Forge_Frame *frame,
                  const char *type)
{
    lv2_atom_forge_init(f, &map);
    lv2_atom_forge_set_buffer(f, (uint8_t *)h->control, HOST_BUFFER);
    lv2_atom_forge_sequence_head(f, &frame[0], 0);
    lv2_atom_forge_frame_time(f, 0);
    lv2_atom_forge_object(f, &frame[1], 0, host_urid(type));
}

static void end(host *h, LV2_Atom_Forge *f, LV2_Atom_Forge_Frame *frame)
{
    lv2_atom_forge_pop(f, &frame[1]);
    lv2_atom_forge_pop(f, &frame[0]);
    h->heard_message = true;
}

static void begin_set(host *h, LV2_Atom_Forge *f, LV2_Atom_Forge_Frame *frame,
                      const char *property)
{
    begin(h, f, frame, LV2_PATCH__Set);
    lv2_atom_forge_key(f, host_urid(LV2_PATCH__property));
    lv2_atom_forge_urid(f, host_urid(property));
    lv2_atom_forge_key(f, host_urid(LV2_PATCH__value));
}

void host_set_path(host *h, const char *property, const char *path)
{
    LV2_Atom_Forge f;
    LV2_Atom_Forge_Frame frame[2];
    begin_set(h, &f, frame, property);
    lv2_atom_forge_path(&f, path, (uint32_t)strlen(path));
    end(h, &f, frame);
}

void host_set_number(host *h, const char *property, float value)
{
    LV2_Atom_Forge f;
    LV2_Atom_Forge_Frame frame[2];
    begin_set(h, &f, frame, property);
    lv2_atom_forge_float(&f, value);
    end(h, &f, frame);
}

void host_get(host *h)
{
    LV2_Atom_Forge f;
    LV2_Atom_Forge_Frame frame[2];
    begin(h, &f, frame, LV2_PATCH__Get);
    end(h, &f, frame);
}

static const LV2_Atom *told(const host *h, const char *property)
{
    const LV2_Atom_Sequence *s = (const void *)h->notify;
    LV2_ATOM_SEQUENCE_FOREACH(s, event)
    {
        const LV2_Atom_Object *o = (const LV2_Atom_Object *)&event->body;
        const LV2_Atom *p = NULL, *value = NULL;
        lv2_atom_object_get(o, host_urid(LV2_PATCH__property), &p,
                            host_urid(LV2_PATCH__value), &value, 0);
        if (p != NULL &&
            ((const LV2_Atom_URID *)p)->body == host_urid(property))
            return value;
    }
    return NULL;
}

int host_told_path(const host *h, const char *property, char *out, size_t size)
{
    const LV2_Atom *v = told(h, property);
    if (v == NULL || v->type != host_urid(LV2_ATOM__Path) || v->size > size)
        return 0;
    memcpy(out, LV2_ATOM_BODY_CONST(v), v->size);
    return out[v->size - 1] == '\0';
}

int host_told_number(const host *h, const char *property, float *out)
{
    const LV2_Atom *v = told(h, property);
    if (v == NULL || v->type != host_urid(LV2_ATOM__Float))
        return 0;
    *out = ((const LV2_Atom_Float *)v)->body;
    return 1;
}

/* ------------------------------------------------------------------- state */

static char *abstract_path(LV2_State_Map_Path_Handle handle, const char *path)
{
    (void)handle;
    char *mapped = malloc(strlen(path) + 6);
    sprintf(mapped, "here:%s", path);
    return mapped;
}

static char *absolute_path(LV2_State_Map_Path_Handle handle, const char *path)
{
    (void)handle;
    return strdup(strncmp(path, "here:", 5) == 0 ? path + 5 : path);
}

static void free_path(LV2_State_Free_Path_Handle handle, char *path)
{
    (void)handle;
    free(path);
}

static LV2_State_Map_Path mapper = {NULL, abstract_path, absolute_path};
static LV2_State_Free_Path freer = {NULL, free_path};
static const LV2_Feature map_path = {LV2_STATE__mapPath, &mapper};
static const LV2_Feature free_the_path = {LV2_STATE__freePath, &freer};
static const LV2_Feature *const state_features[] = {&map_path, &free_the_path,
                                                    NULL};

static host_value store_of[16];
static size_t stored;

static const LV2_State_Interface *state_of(const host *h)
{
    return h->descriptor->extension_data(LV2_STATE__interface);
}

static LV2_State_Status store(LV2_State_Handle handle, uint32_t key,
                              const void *value, size_t size, uint32_t type,
                              uint32_t flags)
{
    (void)handle;
    assert_true(flags & LV2_STATE_IS_POD);
    void *copy = malloc(size);
    memcpy(copy, value, size);
    assert_true(stored < 16);
    store_of[stored++] =
        (host_value){uris[key - 1], copy, size, uris[type - 1]};
    return LV2_STATE_SUCCESS;
}

void host_save(host *h)
{
    while (stored > 0)
        free((void *)(intptr_t)store_of[--stored].data);
    assert_int_equal(
        state_of(h)->save(h->handle, store, NULL, 0, state_features),
        LV2_STATE_SUCCESS);
}

const host_value *host_saved(const char *uri)
{
    for (size_t i = 0; i < stored; i++)
        if (strcmp(store_of[i].uri, uri) == 0)
            return &store_of[i];
    return NULL;
}

static const void *retrieve(LV2_State_Handle handle, uint32_t key, size_t *size,
                            uint32_t *type, uint32_t *flags)
{
    for (const host_value *v = handle; v->uri != NULL; v++)
        if (host_urid(v->uri) == key) {
            *size = v->size;
            *type = host_urid(v->type);
            *flags = LV2_STATE_IS_POD;
            return v->data;
        }
    return NULL;
}

void host_restore(host *h, const host_value *values)
{
    assert_int_equal(state_of(h)->restore(h->handle, retrieve,
                                          (void *)(intptr_t)values, 0,
                                          state_features),
                     LV2_STATE_SUCCESS);
}

void host_load(host *h, const char *model, float segment, float hop,
               float lookahead)
{
    const host_value values[] = {
        {"urn:demucs-onnx:model", model, strlen(model) + 1, LV2_ATOM__Path},
        {"urn:demucs-onnx:segment", &segment, sizeof segment, LV2_ATOM__Float},
        {"urn:demucs-onnx:hop", &hop, sizeof hop, LV2_ATOM__Float},
        {"urn:demucs-onnx:lookahead", &lookahead, sizeof lookahead,
         LV2_ATOM__Float},
        {NULL, NULL, 0, NULL}};
    host_restore(h, values);
}
