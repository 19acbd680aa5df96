#include "runtime/provider.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

typedef struct setting {
    const char *key, *value;
} setting;

typedef struct provider {
    const char *name;      /* ours */
    const char *full_name; /* as GetAvailableProviders lists it */
    const char *key;       /* for SessionOptionsAppendExecutionProvider */
    const char *legacy;    /* exported function of older releases:
                              (options, int) -> status */
    setting session;       /* session configuration entry, or NULLs */
    setting option;        /* provider option, or NULLs */
} provider;

/* DirectML's graph fusion produces wrong results for these graphs, so it is
 * switched off. An exhaustive search for CUDA convolution algorithms would take
 * minutes at the first run. In the order in which "auto" prefers them. */
static const provider known[] = {
    {"cuda",
     "CUDAExecutionProvider",
     NULL,
     NULL,
     {0},
     {"cudnn_conv_algo_search", "HEURISTIC"}},
    {"coreml",
     "CoreMLExecutionProvider",
     "CoreML",
     "OrtSessionOptionsAppendExecutionProvider_CoreML",
     {0},
     {"ModelFormat", "MLProgram"}},
    {"dml",
     "DmlExecutionProvider",
     "DML",
     "OrtSessionOptionsAppendExecutionProvider_DML",
     {"ep.dml.disable_graph_fusion", "1"},
     {0}},
    {"webgpu", "WebGpuExecutionProvider", "WebGPU", NULL, {0}, {0}},
    {"openvino", "OpenVINOExecutionProvider", "OpenVINO", NULL, {0}, {0}},
    {"xnnpack", "XnnpackExecutionProvider", "XNNPACK", NULL, {0}, {0}},
};
#define N_KNOWN (sizeof known / sizeof known[0])
/* "auto" uses these; the others must be requested by name. */
#define N_AUTOMATIC 3

static const provider *find(const char *name, size_t length)
{
    for (size_t i = 0; i < N_KNOWN; i++)
        if (strlen(known[i].name) == length &&
            strncmp(known[i].name, name, length) == 0)
            return &known[i];
    return NULL;
}

/* Whether the library was built with the provider. */
static bool available(const struct dmx_runtime *r, const provider *p)
{
    char **name;
    int count;
    bool found = false;
    if (dmx_ort_check(r, r->api.GetAvailableProviders(&name, &count), "",
                      NULL) != DMX_OK)
        return false;
    for (int i = 0; i < count; i++)
        found = found || strcmp(name[i], p->full_name) == 0;
    ort_status *status = r->api.ReleaseAvailableProviders(name, count);
    if (status != NULL)
        r->api.ReleaseStatus(status);
    return found;
}

static dmx_status append_cuda(const struct dmx_runtime *r,
                              ort_session_options *options, const provider *p,
                              dmx_error *err)
{
    ort_cuda_options *cuda;
    DMX_FORWARD(dmx_ort_check(r, r->api.CreateCUDAProviderOptions(&cuda),
                              p->name, err));
    dmx_status status =
        dmx_ort_check(r,
                      r->api.UpdateCUDAProviderOptions(cuda, &p->option.key,
                                                       &p->option.value, 1),
                      p->name, err);
    if (status == DMX_OK)
        status = dmx_ort_check(
            r,
            r->api.SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda),
            p->name, err);
    r->api.ReleaseCUDAProviderOptions(cuda);
    return status;
}

static dmx_status append_legacy(const struct dmx_runtime *r,
                                ort_session_options *options, const provider *p,
                                dmx_error *err)
{
    ort_status *(*append)(ort_session_options *, int);
    void *symbol = dlsym(r->handle, p->legacy);
    DMX_RETURN_IF(symbol == NULL, err, DMX_ERROR_RUNTIME,
                  "%s: this ONNX Runtime %s can't add it", p->name, r->version);
    memcpy(&append, &symbol, sizeof append);
    return dmx_ort_check(r, append(options, 0), p->name, err);
}

static dmx_status append_one(const struct dmx_runtime *r,
                             ort_session_options *options, const provider *p,
                             dmx_error *err)
{
    DMX_RETURN_IF(!available(r, p), err, DMX_ERROR_RUNTIME,
                  "%s: %s was built without it", p->name, r->path);
    if (p->session.key != NULL)
        DMX_FORWARD(
            dmx_ort_check(r,
                          r->api.AddSessionConfigEntry(options, p->session.key,
                                                       p->session.value),
                          p->name, err));
    if (p->key == NULL)
        return append_cuda(r, options, p, err);
    dmx_error first = DMX_ERROR_INIT;
    const dmx_status status =
        dmx_ort_check(r,
                      r->api.SessionOptionsAppendExecutionProvider(
                          options, p->key, &p->option.key, &p->option.value,
                          p->option.key != NULL ? 1 : 0),
                      p->name, &first);
    if (status != DMX_OK && p->legacy != NULL)
        return append_legacy(r, options, p, err);
    DMX_RETURN_IF(status != DMX_OK, err, status, "%s", first.message);
    return DMX_OK;
}

/* Whoever named the provider is warned that it is not there; "tell" is that. */
static void try_one(const char **chosen, const struct dmx_runtime *r,
                    ort_session_options *options, const provider *p,
                    void (*tell)(const dmx_hooks *, const char *, ...),
                    const dmx_hooks *hooks)
{
    dmx_error why = DMX_ERROR_INIT;
    if (append_one(r, options, p, &why) != DMX_OK)
        tell(hooks, "execution provider %s; going on without it", why.message);
    else if (*chosen == NULL)
        *chosen = p->name;
}

/* Releases are built with providers whose libraries come separately, so that
 * one that can't be added is nothing to be warned of. */
static void append_automatic(const char **chosen, const struct dmx_runtime *r,
                             ort_session_options *options,
                             const dmx_hooks *hooks)
{
    for (size_t i = 0; i < N_AUTOMATIC; i++)
        if (available(r, &known[i]))
            try_one(chosen, r, options, &known[i], dmx_detail, hooks);
}

dmx_status dmx_providers_append(const char **chosen,
                                const struct dmx_runtime *runtime,
                                ort_session_options *options,
                                const char *wished, const dmx_hooks *hooks,
                                dmx_error *err)
{
    *chosen = NULL;
    for (const char *name = wished; name != NULL && *name != '\0';) {
        const size_t length = strcspn(name, ",");
        const provider *p = find(name, length);
        if (length == 4 && strncmp(name, "auto", 4) == 0)
            append_automatic(chosen, runtime, options, hooks);
        else if (length == 3 && strncmp(name, "cpu", 3) == 0) {
            if (*chosen == NULL)
                *chosen = "cpu"; /* the last resort is always there */
            break;
        } else if (p == NULL) {
            DMX_RETURN_ERROR(err, DMX_ERROR_ARGUMENT,
                             "unknown execution provider '%.*s'; one of auto, "
                             "cpu, cuda, coreml, dml, webgpu, openvino, "
                             "xnnpack",
                             (int)length, name);
        } else {
            try_one(chosen, runtime, options, p, dmx_warn, hooks);
        }
        name += length + (name[length] == ',');
    }
    if (*chosen == NULL)
        *chosen = "cpu";
    return DMX_OK;
}
