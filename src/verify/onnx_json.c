/* A model file's description of itself. */
#include "verify/model_file.h"

#include "base/memory.h"

#include "base/json.h"
#include <stdlib.h>
#include <string.h>

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void add_ports(dmx_json *root, const char *key,
                      Onnx__ValueInfoProto *const *port, size_t count)
{
    dmx_json *list = dmx_json_add_array(root, key);
    for (size_t i = 0; i < count; i++) {
        dmx_json *o = dmx_json_new(DMX_JSON_OBJECT);
        dmx_json_add_string(o, "name", or_empty(port[i]->name));
        int64_t dim[8];
        for (size_t rank = 0; rank <= 8; rank++)
            if (dmx_model_file_shape(port[i], rank, dim)) {
                dmx_json *shape = dmx_json_add_array(o, "shape");
                for (size_t k = 0; k < rank; k++)
                    dmx_json_append(shape,
                                    dim[k] < 0
                                        ? dmx_json_new(DMX_JSON_NULL)
                                        : dmx_json_new_number((double)dim[k]));
            }
        dmx_json_append(list, o);
    }
}

/* A JSON tree takes many times the memory of its text. */
#define MOST_JSON ((size_t)1 << 20)

/* Values that are JSON documents themselves become part of this one. */
static void add_metadata(dmx_json *root, const Onnx__ModelProto *m)
{
    dmx_json *o = dmx_json_add_object(root, "metadata");
    size_t left = MOST_JSON;
    for (size_t i = 0; i < m->n_metadata_props; i++) {
        const char *text = or_empty(m->metadata_props[i]->value);
        const size_t size = strlen(text);
        const bool document = text[0] == '{' || text[0] == '[';
        dmx_json *value = document && size <= left ? dmx_json_read(text) : NULL;
        left -= value != NULL ? size : 0;
        if (value == NULL)
            value = dmx_json_new_string(text);
        dmx_json_add(o, or_empty(m->metadata_props[i]->key), value);
    }
}

static int by_name(const void *a, const void *b)
{
    const char *x, *y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return strcmp(x, y);
}

static dmx_status add_operators(dmx_json *root, const Onnx__GraphProto *g,
                                dmx_error *err)
{
    dmx_json *o = dmx_json_add_object(root, "operators");
    const char **name = calloc(g->n_node + 1, sizeof *name);
    DMX_RETURN_IF(name == NULL, err, DMX_ERROR_MEMORY, "no memory");
    for (size_t i = 0; i < g->n_node; i++)
        name[i] = or_empty(g->node[i]->op_type);
    qsort(name, g->n_node, sizeof *name, by_name);
    for (size_t i = 0, start = 0; i < g->n_node; i++)
        if (i + 1 == g->n_node || strcmp(name[i], name[i + 1]) != 0) {
            dmx_json_add_number(o, name[i], (double)(i + 1 - start));
            start = i + 1;
        }
    free(name);
    return DMX_OK;
}

static void add_strings(dmx_json *node, const char *key, char *const *text,
                        size_t count)
{
    dmx_json *list = dmx_json_add_array(node, key);
    for (size_t i = 0; i < count; i++)
        dmx_json_append(list, dmx_json_new_string(or_empty(text[i])));
}

static void add_nodes(dmx_json *root, const Onnx__GraphProto *g)
{
    dmx_json *list = dmx_json_add_array(root, "nodes");
    for (size_t i = 0; i < g->n_node; i++) {
        dmx_json *o = dmx_json_new(DMX_JSON_OBJECT);
        dmx_json_add_string(o, "name", or_empty(g->node[i]->name));
        dmx_json_add_string(o, "operator", or_empty(g->node[i]->op_type));
        add_strings(o, "inputs", g->node[i]->input, g->node[i]->n_input);
        add_strings(o, "outputs", g->node[i]->output, g->node[i]->n_output);
        dmx_json_append(list, o);
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

static dmx_status describe(dmx_json *root, const dmx_model_file *f, int graph,
                           dmx_error *err)
{
    const Onnx__ModelProto *m = f->proto;
    const Onnx__GraphProto *g = m->graph;
    dmx_json_add_string(root, "kind", "onnx");
    dmx_json_add_string(root, "path", f->path);
    dmx_json_add_string(root, "sha256", f->sha256);
    dmx_json_add_number(root, "bytes", (double)f->bytes.size);
    dmx_json_add_string(root, "producer", or_empty(m->producer_name));
    dmx_json_add_string(root, "producer_version",
                        or_empty(m->producer_version));
    dmx_json_add_number(root, "opset", (double)dmx_model_file_opset(f));
    dmx_json_add_number(root, "ir_version", (double)m->ir_version);
    add_ports(root, "inputs", g->input, g->n_input);
    add_ports(root, "outputs", g->output, g->n_output);
    add_metadata(root, m);
    dmx_json_add_number(root, "parameters", parameters(g));
    dmx_json_add_number(root, "initializers", (double)g->n_initializer);
    dmx_json_add_number(root, "node_count", (double)g->n_node);
    DMX_FORWARD(add_operators(root, g, err));
    if (graph)
        add_nodes(root, g);
    return DMX_OK;
}

dmx_status dmx_onnx_json(char **out, const char *path, int graph,
                         dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, path);
    dmx_model_file file;
    DMX_FORWARD(dmx_model_file_open(&file, path, path, NULL, err));
    dmx_json *root = dmx_json_new(DMX_JSON_OBJECT);
    dmx_status status = describe(root, &file, graph, err);
    if (status == DMX_OK && (*out = dmx_json_print(root)) == NULL)
        status = dmx_fail(err, DMX_ERROR_MEMORY, "no memory");
    dmx_json_free(root);
    dmx_model_file_close(&file);
    return status;
}
