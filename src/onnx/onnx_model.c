/* The ModelProto around the graph: inputs and outputs, metadata, serialisation.
 */
#include "onnx/onnx_export.h"
#include "base/precision.h"
#include "graph/select.h"
#include "onnx/emit_shape.h"
#include "onnx/onnx_model.h"
#include "onnx/walk.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The oldest IR version that has the opset. */
static int64_t ir_version(int opset)
{
    return opset >= 23 ? 11 : opset >= 21 ? 10 : opset >= 19 ? 9 : 8;
}

static dmx_status check_options(const dmx_onnx_options *o, size_t n_source,
                                dmx_error *err)
{
    int newest = o->newest_opset != 0 ? o->newest_opset : DMX_ONNX_OLDEST_OPSET;
    if (newest > DMX_ONNX_NEWEST_OPSET)
        newest = DMX_ONNX_NEWEST_OPSET;
    DMX_RETURN_IF(o->opset != 0 &&
                      (o->opset < DMX_ONNX_OLDEST_OPSET || o->opset > newest),
                  err, DMX_ERROR_ARGUMENT,
                  "opset %d is not supported: choose %d to %d", o->opset,
                  DMX_ONNX_OLDEST_OPSET, newest);
    for (size_t i = 0; i < o->n_chosen; i++)
        DMX_RETURN_IF(o->chosen[i] >= n_source ||
                          (i > 0 && o->chosen[i] <= o->chosen[i - 1]),
                      err, DMX_ERROR_ARGUMENT,
                      "sources to keep must rise and stay below %zu", n_source);
    return DMX_OK;
}

/* The output [S * C][1][N] as (1, S, C, N), named "stems". */
static void emit_output(dmx_walk *w, int64_t channels)
{
    dmx_emitter *e = &w->e;
    if (dmx_emitter_failed(e))
        return;
    const dmx_extent *dim = dmx_walk_dim(w, w->g->output);
    const dmx_extent out[] = {e->batch, dim[0] / channels, channels, dim[2]};
    e->path = "stems";
    (void)dmx_emit_reshape(e, w->value[w->g->output].name, out, 4);
    dmx_emitter_rename(e, "stems");
    dmx_emitter_declare(e, &e->output, "stems", out, 4);
}

/* ---- bytes -------------------------------------------------------------- */
typedef struct file_buffer {
    ProtobufCBuffer base;
    dmx_output *out;
    dmx_error *err;
    dmx_status status;
} file_buffer;

static void append_to_file(ProtobufCBuffer *buffer, size_t size,
                           const uint8_t *data)
{
    file_buffer *f = (file_buffer *)buffer;
    if (f->status == DMX_OK)
        f->status = dmx_output_write(f->out, data, size, f->err);
}

static dmx_status write_message(dmx_output *out, const Onnx__ModelProto *m,
                                dmx_error *err)
{
    file_buffer f = {{append_to_file}, out, err, DMX_OK};
    (void)protobuf_c_message_pack_to_buffer(&m->base, &f.base);
    return f.status;
}

static dmx_status pack_message(dmx_blob *out, const Onnx__ModelProto *m,
                               size_t size, dmx_error *err)
{
    out->data = dmx_aligned_alloc(size, 1);
    DMX_RETURN_IF(out->data == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a model of %zu bytes", size);
    out->size = onnx__model_proto__pack(m, out->data);
    return DMX_OK;
}

dmx_status dmx_onnx_serialise(dmx_output *out, dmx_blob *blob, dmx_emitter *e,
                              const dmx_metadata *metadata, dmx_error *err)
{
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT;
    Onnx__OperatorSetIdProto *opsets[] = {&opset};
    graph.value_info = dmx_emitter_values(e, &graph.n_value_info);
    DMX_RETURN_IF(dmx_emitter_failed(e), err, e->error.code, "%s",
                  e->error.message);
    graph.name = (char *)metadata->graph_name;
    graph.node = e->node;
    graph.n_node = e->n_node;
    graph.initializer = e->constant;
    graph.n_initializer = e->n_constant;
    graph.input = &e->input;
    graph.output = &e->output;
    graph.n_input = graph.n_output = 1;
    opset.domain = (char *)"";
    opset.has_version = 1;
    opset.version = e->opset;
    model.has_ir_version = 1;
    model.ir_version = ir_version(e->opset);
    model.producer_name = (char *)"demucs-onnx";
    model.producer_version = (char *)dmx_version();
    model.opset_import = opsets;
    model.n_opset_import = 1;
    model.graph = &graph;
    model.metadata_props = (Onnx__StringStringEntryProto **)metadata->entry;
    model.n_metadata_props = metadata->n_entry;
    const size_t size = onnx__model_proto__get_packed_size(&model);
    DMX_RETURN_IF(size > INT32_MAX, err, DMX_ERROR_LIMIT,
                  "the model would take %zu bytes; an ONNX file is limited to "
                  "2 GiB",
                  size);
    return out != NULL ? write_message(out, &model, err)
                       : pack_message(blob, &model, size, err);
}

int64_t dmx_onnx_typical(const dmx_identity *who, const dmx_onnx_options *o)
{
    return o->typical > 0 || who == NULL ? o->typical : who->training_samples;
}

unsigned dmx_onnx_int8(const dmx_onnx_options *o)
{
    if (o->precision != DMX_PRECISION_INT8)
        return 0;
    return o->int8 != 0 ? o->int8 : DMX_INT8_ALL;
}

/* A file that promises integers has some. */
static void check_int8(dmx_walk *w)
{
    if (w->int8 != 0 && w->n_int8 == 0)
        dmx_emitter_fail(&w->e, DMX_ERROR_UNSUPPORTED,
                         "int8 is for the linear layers of a transformer, and "
                         "this network has none: fp32 and fp16weights are "
                         "what there is for it");
}

static dmx_status export_graph(dmx_output *out, dmx_blob *blob,
                               const dmx_graph *g, const dmx_identity *who,
                               const dmx_onnx_options *o, dmx_error *err)
{
    dmx_walk w;
    dmx_metadata metadata = {0};
    const int opset = o->opset != 0 ? o->opset : DMX_ONNX_OLDEST_OPSET;
    const int64_t channels = g->value[g->input].shape.dim[0];
    const dmx_walk_input input = {o->batch, dmx_onnx_typical(who, o)};
    dmx_walk_open(&w, g, opset, dmx_precision_format(o->precision), input);
    w.int8 = dmx_onnx_int8(o);
    dmx_walk_run(&w, o->recipes != NULL ? o->recipes : &dmx_recipes, o->hooks);
    emit_output(&w, channels);
    check_int8(&w);
    dmx_metadata_fill(&metadata, &w.e, g, who, o);
    const dmx_status status =
        dmx_onnx_serialise(out, blob, &w.e, &metadata, err);
    dmx_walk_close(&w);
    return status;
}

/* The graph of the chosen sources alone. */
static dmx_status select_sources(dmx_graph **out, const dmx_graph *g,
                                 const dmx_onnx_options *o, dmx_error *err)
{
    const int64_t each = g->value[g->input].shape.dim[0];
    const size_t count = o->n_chosen * (size_t)each;
    int64_t *row = calloc(count, sizeof *row);
    DMX_RETURN_IF(row == NULL, err, DMX_ERROR_MEMORY, "no memory");
    for (size_t i = 0; i < count; i++)
        row[i] =
            (int64_t)o->chosen[i / (size_t)each] * each + (int64_t)i % each;
    const dmx_status status = dmx_graph_select(out, g, row, count, err);
    free(row);
    return status;
}

static dmx_status run(dmx_output *out, dmx_blob *blob, const dmx_graph *g,
                      const dmx_identity *who, const dmx_onnx_options *options,
                      dmx_error *err)
{
    const dmx_onnx_options defaults = {0};
    const dmx_onnx_options *o = options != NULL ? options : &defaults;
    DMX_FORWARD(dmx_graph_complete(g, err));
    DMX_RETURN_IF(o->recipes != NULL &&
                      (g->any_length || o->batch > 1 || o->batch < 0),
                  err, DMX_ERROR_UNSUPPORTED,
                  "another way of exporting has one length and batch 1");
    DMX_FORWARD(check_options(o, who != NULL ? who->n_source : 0, err));
    if (o->n_chosen == 0)
        return export_graph(out, blob, g, who, o, err);
    dmx_graph *part;
    DMX_FORWARD(select_sources(&part, g, o, err));
    const dmx_status status = export_graph(out, blob, part, who, o, err);
    dmx_graph_close(part);
    return status;
}

dmx_status dmx_onnx_write(dmx_output *out, const dmx_graph *g,
                          const dmx_identity *who,
                          const dmx_onnx_options *options, dmx_error *err)
{
    return run(out, NULL, g, who, options, err);
}

dmx_status dmx_onnx_pack(dmx_blob *out, const dmx_graph *g,
                         const dmx_identity *who,
                         const dmx_onnx_options *options, dmx_error *err)
{
    *out = (dmx_blob){0};
    return run(NULL, out, g, who, options, err);
}
