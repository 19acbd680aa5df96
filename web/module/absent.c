/* Stubs for what the separator refers to but the module does not contain: ONNX
 * Runtime, the float64 reference, bag files in folders, and output files. */
#include "base/output.h"
#include "hub/cache.h"
#include "hub/repository.h"
#include "separate/member.h"

#include <string.h>

#define REFUSE(err, what)                                                      \
    DMX_RETURN_ERROR((err), DMX_ERROR_UNSUPPORTED,                             \
                     what " is not in the WebAssembly module; give a "         \
                          "checkpoint (.th or .safetensors)")

const char *dmx_extension(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return dot != NULL && dot != base ? dot : "";
}

dmx_status dmx_bag_open(dmx_bag **out, const char *path, dmx_error *err)
{
    (void)path;
    *out = NULL;
    REFUSE(err, "a reader of bag files");
}

dmx_status dmx_cache_folder(char **out, const char *option, dmx_error *err)
{
    (void)option, (void)err;
    *out = NULL;
    return DMX_OK;
}

dmx_status dmx_output_open(dmx_output *out, const char *path, dmx_error *err)
{
    *out = (dmx_output){0};
    DMX_RETURN_ERROR(err, DMX_ERROR_IO, "%s: files can't be written here",
                     path);
}

dmx_status dmx_output_write(dmx_output *out, const void *data, size_t size,
                            dmx_error *err)
{
    (void)out, (void)data, (void)size;
    DMX_RETURN_ERROR(err, DMX_ERROR_IO, "files can't be written here");
}

dmx_status dmx_output_commit(dmx_output *out, dmx_output_mark *mark,
                             dmx_error *err)
{
    (void)mark;
    return dmx_output_write(out, NULL, 0, err);
}

void dmx_output_abandon(dmx_output *out)
{
    (void)out;
}

dmx_status dmx_runner_exported(dmx_runner *out, const struct dmx_model *model,
                               int64_t samples, int64_t batch,
                               dmx_runtime *runtime, const char *name,
                               const dmx_session_options *options,
                               dmx_error *err)
{
    (void)model, (void)samples, (void)batch, (void)runtime, (void)name;
    (void)options;
    *out = (dmx_runner){0};
    REFUSE(err, "ONNX Runtime");
}

dmx_status dmx_runner_reference(dmx_runner *out, const struct dmx_model *model,
                                int64_t samples, int threads, dmx_error *err)
{
    (void)model, (void)samples, (void)threads;
    *out = (dmx_runner){0};
    REFUSE(err, "the float64 reference");
}
