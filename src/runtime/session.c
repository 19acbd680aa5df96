#include "base/memory.h"
#include "base/parallel.h"
#include "runtime/provider.h"
#include "runtime/session.h"
#include "runtime/watch.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- options */

static const int optimization_level[] = {
    [DMX_OPTIMIZE_ALL] = 99,
    [DMX_OPTIMIZE_EXTENDED] = 2,
    [DMX_OPTIMIZE_BASIC] = 1,
    [DMX_OPTIMIZE_NONE] = 0,
};

/* Pins the free dimension of that name. */
static ort_status *pin(const struct dmx_runtime *r, ort_session_options *o,
                       const char *name, int64_t size)
{
    return size > 0 ? r->api.AddFreeDimensionOverrideByName(o, name, size)
                    : NULL;
}

static dmx_status set_options(dmx_session *s, ort_session_options *o,
                              const dmx_session_options *wish, dmx_error *err)
{
    const struct dmx_runtime *r = s->runtime;
    const int threads = wish->threads > 0 ? wish->threads : dmx_cpu_count();
    ort_status *const results[] = {
        r->api.SetSessionExecutionMode(o, ORT_SEQUENTIAL),
        r->api.SetSessionLogSeverityLevel(o, ORT_LOG_FATAL),
        r->api.SetIntraOpNumThreads(o, threads),
        r->api.SetInterOpNumThreads(o, 1),
        r->api.SetSessionGraphOptimizationLevel(
            o, optimization_level[wish->optimization]),
        wish->memory_pattern ? r->api.EnableMemPattern(o)
                             : r->api.DisableMemPattern(o),
        pin(r, o, "batch", wish->batch),
        pin(r, o, "samples", wish->samples),
    };
    dmx_status status = DMX_OK;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        const dmx_status one =
            dmx_ort_check(r, results[i], "session options", err);
        status = status != DMX_OK ? status : one;
    }
    DMX_FORWARD(status);
    return dmx_providers_append(&s->provider, r, o, wish->providers,
                                wish->hooks, err);
}

/* ------------------------------------------------------------------ ports */

static dmx_status read_shape(const struct dmx_runtime *r, dmx_port *port,
                             const ort_tensor_info *info, dmx_error *err)
{
    size_t rank;
    int type;
    DMX_FORWARD(dmx_ort_check(r, r->api.GetTensorElementType(info, &type),
                              port->name, err));
    DMX_FORWARD(dmx_ort_check(r, r->api.GetDimensionsCount(info, &rank),
                              port->name, err));
    port->float32 = type == ORT_FLOAT32;
    if (rank > sizeof port->dim / sizeof port->dim[0])
        return DMX_OK;
    port->rank = (int)rank;
    return dmx_ort_check(r, r->api.GetDimensions(info, port->dim, rank),
                         port->name, err);
}

static dmx_status read_type(const struct dmx_runtime *r, dmx_port *port,
                            ort_type_info *type, dmx_error *err)
{
    const ort_tensor_info *info = NULL;
    DMX_FORWARD(dmx_ort_check(r, r->api.CastTypeInfoToTensorInfo(type, &info),
                              port->name, err));
    return info == NULL ? DMX_OK : read_shape(r, port, info, err);
}

static dmx_status read_port(const dmx_session *s, dmx_port *port, bool input,
                            size_t index, dmx_error *err)
{
    const struct dmx_runtime *r = s->runtime;
    char *name;
    port->rank = -1;
    DMX_FORWARD(dmx_ort_check(
        r,
        input
            ? r->api.SessionGetInputName(s->session, index, r->allocator, &name)
            : r->api.SessionGetOutputName(s->session, index, r->allocator,
                                          &name),
        s->name, err));
    port->name = strdup(name);
    ort_status *freed = r->api.AllocatorFree(r->allocator, name);
    if (freed != NULL)
        r->api.ReleaseStatus(freed);
    DMX_RETURN_IF(port->name == NULL, err, DMX_ERROR_MEMORY, "no memory");
    ort_type_info *type;
    DMX_FORWARD(dmx_ort_check(
        r,
        input ? r->api.SessionGetInputTypeInfo(s->session, index, &type)
              : r->api.SessionGetOutputTypeInfo(s->session, index, &type),
        port->name, err));
    const dmx_status status = read_type(r, port, type, err);
    r->api.ReleaseTypeInfo(type);
    return status;
}

static dmx_status read_ports(const dmx_session *s, dmx_port **port,
                             size_t *count, bool input, dmx_error *err)
{
    const ort_api *api = &s->runtime->api;
    DMX_FORWARD(
        dmx_ort_check(s->runtime,
                      input ? api->SessionGetInputCount(s->session, count)
                            : api->SessionGetOutputCount(s->session, count),
                      s->name, err));
    *port = calloc(*count + 1, sizeof **port);
    if (*port == NULL)
        *count = 0;
    DMX_RETURN_IF(*port == NULL, err, DMX_ERROR_MEMORY, "no memory");
    for (size_t i = 0; i < *count; i++)
        DMX_FORWARD(read_port(s, &(*port)[i], input, i, err));
    return DMX_OK;
}

/* --------------------------------------------------------------- creation */

typedef struct creation {
    dmx_session *s;
    const ort_session_options *options;
    const char *path;
    const void *bytes;
    size_t size;
    ort_status *status;
} creation;

static void create(void *context)
{
    creation *c = context;
    const struct dmx_runtime *r = c->s->runtime;
    if (c->bytes != NULL)
        c->status = r->api.CreateSessionFromArray(r->env, c->bytes, c->size,
                                                  c->options, &c->s->session);
    else
        c->status =
            r->api.CreateSession(r->env, c->path, c->options, &c->s->session);
}

static dmx_status create_session(creation *c, const dmx_hooks *hooks,
                                 dmx_error *err)
{
    const dmx_watch watch = {hooks, "loading the model", 0, create, NULL, c};
    dmx_error load_error = DMX_ERROR_INIT;
    const dmx_status stopped = dmx_watch_run(&watch, err);
    const dmx_status status =
        dmx_ort_check(c->s->runtime, c->status, c->s->name, &load_error);
    DMX_FORWARD(stopped);
    DMX_RETURN_IF(status != DMX_OK, err, status, "%s", load_error.message);
    return DMX_OK;
}

static dmx_status open_session(creation *c, const dmx_session_options *wish,
                               dmx_error *err)
{
    const struct dmx_runtime *r = c->s->runtime;
    ort_session_options *options;
    DMX_FORWARD(dmx_ort_check(r, r->api.CreateSessionOptions(&options),
                              c->s->name, err));
    c->options = options;
    dmx_status status = set_options(c->s, options, wish, err);
    if (status == DMX_OK)
        status = create_session(c, wish->hooks, err);
    r->api.ReleaseSessionOptions(options);
    DMX_FORWARD(status);
    DMX_FORWARD(read_ports(c->s, &c->s->input, &c->s->n_input, true, err));
    return read_ports(c->s, &c->s->output, &c->s->n_output, false, err);
}

dmx_status dmx_session_open(dmx_session **out, dmx_runtime *runtime,
                            const char *path, const void *bytes, size_t size,
                            const dmx_session_options *options, dmx_error *err)
{
    static const dmx_session_options defaults;
    *out = NULL;
    dmx_session *s = calloc(1, sizeof *s);
    DMX_RETURN_IF(s == NULL, err, DMX_ERROR_MEMORY, "no memory");
    s->runtime = runtime;
    s->name = strdup(path);
    creation c = {s, NULL, path, bytes, size, NULL};
    const dmx_status status =
        s->name == NULL
            ? dmx_fail(err, DMX_ERROR_MEMORY, "no memory")
            : open_session(&c, options != NULL ? options : &defaults, err);
    if (status != DMX_OK) {
        dmx_session_close(s);
        return status;
    }
    /* The runtime rearranges weights while loading, and frees as much. */
    if (options == NULL || !options->keep_freed)
        dmx_return_freed();
    *out = s;
    return DMX_OK;
}

static void free_ports(dmx_port *port, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(port[i].name);
    free(port);
}

void dmx_session_close(dmx_session *s)
{
    if (s == NULL)
        return;
    free_ports(s->input, s->n_input);
    free_ports(s->output, s->n_output);
    if (s->session != NULL)
        s->runtime->api.ReleaseSession(s->session);
    free(s->name);
    free(s);
}

/* -------------------------------------------------------------- questions */

const dmx_port *dmx_session_inputs(const dmx_session *s, size_t *count)
{
    *count = s->n_input;
    return s->input;
}

const dmx_port *dmx_session_outputs(const dmx_session *s, size_t *count)
{
    *count = s->n_output;
    return s->output;
}

const char *dmx_session_provider(const dmx_session *s)
{
    return s->provider;
}

char *dmx_session_metadata(const dmx_session *s, const char *key)
{
    const struct dmx_runtime *r = s->runtime;
    ort_metadata *metadata;
    char *value = NULL, *copy = NULL;
    if (dmx_ort_check(r, r->api.SessionGetModelMetadata(s->session, &metadata),
                      key, NULL) != DMX_OK)
        return NULL;
    if (dmx_ort_check(r,
                      r->api.ModelMetadataLookupCustomMetadataMap(
                          metadata, r->allocator, key, &value),
                      key, NULL) == DMX_OK &&
        value != NULL) {
        copy = strdup(value);
        ort_status *freed = r->api.AllocatorFree(r->allocator, value);
        if (freed != NULL)
            r->api.ReleaseStatus(freed);
    }
    r->api.ReleaseModelMetadata(metadata);
    return copy;
}
