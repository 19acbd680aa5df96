/* The public access to a checkpoint's tensors, as they are in the file. */
#include "base/options.h"
#include "checkpoint/checkpoint.h"

#include <stdlib.h>
#include <string.h>

size_t dmx_checkpoint_tensors(const dmx_checkpoint *c)
{
    return c != NULL ? c->n_tensor : 0;
}

static size_t bytes_of(const dmx_tensor *t)
{
    return dmx_tensor_count(t) * dmx_dtype_size(t->dtype);
}

int dmx_checkpoint_tensor_info(const dmx_checkpoint *c, size_t index,
                               dmx_tensor_info *out)
{
    if (c == NULL || out == NULL || out->size < sizeof out->size ||
        index >= c->n_tensor)
        return 0;
    const dmx_tensor *t = &c->tensor[index];
    dmx_tensor_info info = DMX_TENSOR_INFO_INIT;
    info.name = t->name;
    info.dtype = dmx_dtype_name(t->dtype);
    info.bytes = bytes_of(t);
    info.rank = t->rank;
    memcpy(info.dim, t->dim, sizeof info.dim);
    dmx_report_give(out, &info, sizeof info);
    return 1;
}

dmx_status dmx_checkpoint_tensor_data(const dmx_checkpoint *c, size_t index,
                                      void *out, size_t size, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, c);
    DMX_NEED(err, out);
    DMX_RETURN_IF(index >= c->n_tensor, err, DMX_ERROR_ARGUMENT,
                  "tensor %zu: the checkpoint has %zu", index, c->n_tensor);
    const dmx_tensor *t = &c->tensor[index];
    DMX_RETURN_IF(size != bytes_of(t), err, DMX_ERROR_ARGUMENT,
                  "weight %s has %zu bytes, not %zu", t->name, bytes_of(t),
                  size);
    dmx_tensor here;
    void *bytes;
    DMX_FORWARD(dmx_tensor_fetch(&here, &bytes, t, err));
    dmx_tensor_copy(out, &here);
    free(bytes);
    return DMX_OK;
}
