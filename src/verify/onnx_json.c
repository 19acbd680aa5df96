/* What a model file says of itself. */
#include "verify/model_file.h"

#include "base/memory.h"

#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void add_ports(cJSON *root, const char *key,
                      Onnx__ValueInfoProto *const *port, size_t count)
{
    cJSON *list = cJSON_AddArrayToObject(root, key);
    for (size_t i = 0; i < count; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", or_empty(port[i]->name));
        int64_t dim[8];
        for (size_t rank = 0; rank <= 8; rank++)
            if (dmx_model_file_shape(port[i], rank, dim)) {
                cJSON *shape = cJSON_AddArrayToObject(o, "shape");
                for (size_t k = 0; k < rank; k++)
                    cJSON_AddItemToArray(
                        shape, dim[k] < 0 ? cJSON_CreateNull()
                                          : cJSON_CreateNumber((double)dim[k]));
            }
        cJSON_AddItemToArray(list, o);
    }
}

/* Values that are JSON documents themselves become part of this one. */
static void add_metadata(cJSON *root, const Onnx__ModelProto *m)
{
    cJSON *o = cJSON_AddObjectToObject(root, "metadata");
    for (size_t i = 0; i < m->n_metadata_props; i++) {
        const char *text = or_empty(m->metadata_props[i]->value);
        cJSON *value =
            text[0] == '{' || text[0] == '[' ? cJSON_Parse(text) : NULL;
        if (value == NULL)
            value = cJSON_CreateString(text);
        cJSON_AddItemToObject(o, or_empty(m->metadata_props[i]->key), value);
    }
}

static int by_name(const void *a, const void *b)
{
    const char *x, *y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return strcmp(x, y);
}

static dmx_status add_operators(cJSON *root, const Onnx__GraphProto *g,
                                dmx_error *err)
{
    cJSON *o = cJSON_AddObjectToObject(root, "operators");
    const char **name = calloc(g->n_node + 1, sizeof *name);
    DMX_RETURN_IF(name == NULL, err, DMX_ERROR_MEMORY, "no memory");
    for (size_t i = 0; i < g->n_node; i++)
        name[i] = or_empty(g->node[i]->op_type);
    qsort(name, g->n_node, sizeof *name, by_name);
    for (size_t i = 0, start = 0; i < g->n_node; i++)
        if (i + 1 == g->n_node || strcmp(name[i], name[i + 1]) != 0) {
            cJSON_AddNumberToObject(o, name[i], (double)(i + 1 - start));
            start = i + 1;
        }
    free(name);
    return DMX_OK;
}

static void add_strings(cJSON *node, const char *key, char *const *text,
                        size_t count)
{
    cJSON *list = cJSON_AddArrayToObject(node, key);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(or_empty(text[i])));
}

static void add_nodes(cJSON *root, const Onnx__GraphProto *g)
{
    cJSON *list = cJSON_AddArrayToObject(root, "nodes");
    for (size_t i = 0; i < g->n_node; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", or_empty(g->node[i]->name));
        cJSON_AddStringToObject(o, "operator", or_empty(g->node[i]->op_type));
        add_strings(o, "inputs", g->node[i]->input, g->node[i]->n_input);
        add_strings(o, "outputs", g->node[i]->output, g->node[i]->n_output);
        cJSON_AddItemToArray(list, o);
    }
}

static double parameters(const Onnx__GraphProto *g)
{
    double sum = 0;
    for (size_t i = 0; i < g->n_initializer; i++) {
        double count = 1;
        for (size_t k = 0; k < g->initializer[i]->n_dims; k++)
            count *= (double)g->initializer[i]->dims[k];
        sum += count;
    }
    return sum;
}

static dmx_status describe(cJSON *root, const dmx_model_file *f, int graph,
                           dmx_error *err)
{
    const Onnx__ModelProto *m = f->proto;
    const Onnx__GraphProto *g = m->graph;
    cJSON_AddStringToObject(root, "kind", "onnx");
    cJSON_AddStringToObject(root, "path", f->path);
    cJSON_AddStringToObject(root, "sha256", f->sha256);
    cJSON_AddNumberToObject(root, "bytes", (double)f->bytes.size);
    cJSON_AddStringToObject(root, "producer", or_empty(m->producer_name));
    cJSON_AddStringToObject(root, "producer_version",
                            or_empty(m->producer_version));
    cJSON_AddNumberToObject(root, "opset", (double)dmx_model_file_opset(f));
    cJSON_AddNumberToObject(root, "ir_version", (double)m->ir_version);
    add_ports(root, "inputs", g->input, g->n_input);
    add_ports(root, "outputs", g->output, g->n_output);
    add_metadata(root, m);
    cJSON_AddNumberToObject(root, "parameters", parameters(g));
    cJSON_AddNumberToObject(root, "initializers", (double)g->n_initializer);
    cJSON_AddNumberToObject(root, "node_count", (double)g->n_node);
    DMX_FORWARD(add_operators(root, g, err));
    if (graph)
        add_nodes(root, g);
    return DMX_OK;
}

dmx_status dmx_onnx_json(char **out, const char *path, int graph,
                         dmx_error *err)
{
    dmx_model_file file;
    *out = NULL;
    DMX_FORWARD(dmx_model_file_open(&file, path, path, err));
    cJSON *root = cJSON_CreateObject();
    dmx_status status = describe(root, &file, graph, err);
    if (status == DMX_OK && (*out = cJSON_Print(root)) == NULL)
        status = dmx_fail(err, DMX_ERROR_MEMORY, "no memory");
    cJSON_Delete(root);
    dmx_model_file_close(&file);
    return status;
}
