#include "verify/model_file.h"
#include "runtime/onnx_file.h"

#include <stdlib.h>
#include <string.h>

#define MAX_JSON_BYTES ((size_t)65536) /* of a metadata value */

static dmx_status parse(dmx_model_file *f, dmx_error *err)
{
    DMX_FORWARD(dmx_sha256_hex(f->sha256, f->bytes.data, f->bytes.size, err));
    f->proto = onnx__model_proto__unpack(NULL, f->bytes.size, f->bytes.data);
    DMX_RETURN_IF(f->proto == NULL, err, DMX_ERROR_FORMAT,
                  "%s: not an ONNX model, or no memory for it", f->path);
    DMX_RETURN_IF(f->proto->graph == NULL, err, DMX_ERROR_FORMAT,
                  "%s: not an ONNX model: no graph", f->path);
    return DMX_OK;
}

dmx_status dmx_model_file_open(dmx_model_file *out, const char *path,
                               const char *name, const dmx_hooks *hooks,
                               dmx_error *err)
{
    *out = (dmx_model_file){.path = strdup(name)};
    DMX_RETURN_IF(out->path == NULL, err, DMX_ERROR_MEMORY, "no memory");
    dmx_status status = dmx_onnx_file_read(&out->bytes, path, name, hooks, err);
    if (status == DMX_OK)
        status = parse(out, err);
    if (status != DMX_OK)
        dmx_model_file_close(out);
    return status;
}

void dmx_model_file_close(dmx_model_file *file)
{
    if (file->proto != NULL)
        onnx__model_proto__free_unpacked(file->proto, NULL);
    dmx_blob_free(&file->bytes);
    free(file->path);
    *file = (dmx_model_file){0};
}

const char *dmx_model_file_metadata(const dmx_model_file *file, const char *key)
{
    for (size_t i = 0; i < file->proto->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *p = file->proto->metadata_props[i];
        if (p->key != NULL && strcmp(p->key, key) == 0)
            return p->value;
    }
    return NULL;
}

dmx_json *dmx_model_file_json(const dmx_model_file *file, const char *key)
{
    const char *text = dmx_model_file_metadata(file, key);
    return text != NULL && strlen(text) <= MAX_JSON_BYTES ? dmx_json_read(text)
                                                          : NULL;
}

static bool default_domain(const char *domain)
{
    return domain == NULL || *domain == '\0' || strcmp(domain, "ai.onnx") == 0;
}

int64_t dmx_model_file_opset(const dmx_model_file *file)
{
    for (size_t i = 0; i < file->proto->n_opset_import; i++)
        if (default_domain(file->proto->opset_import[i]->domain))
            return file->proto->opset_import[i]->version;
    return 0;
}

bool dmx_model_file_is_ours(const dmx_model_file *file)
{
    return file->proto->producer_name != NULL &&
           strcmp(file->proto->producer_name, "demucs-onnx") == 0;
}

bool dmx_model_file_shape(const Onnx__ValueInfoProto *port, size_t rank,
                          int64_t *dim)
{
    const Onnx__TypeProto *type = port->type;
    if (type == NULL ||
        type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
        type->tensor_type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
        type->tensor_type->shape == NULL ||
        type->tensor_type->shape->n_dim != rank)
        return false;
    for (size_t i = 0; i < rank; i++) {
        const Onnx__TensorShapeProto__Dimension *d =
            type->tensor_type->shape->dim[i];
        dim[i] = d->value_case ==
                         ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                     ? d->dim_value
                     : -1;
    }
    return true;
}
