#include "onnx/onnx_export.h"
#include "separate/runners.h"

static dmx_status open_exported(dmx_session **out, const dmx_graph *graph,
                                const struct dmx_model *model, int64_t batch,
                                dmx_runtime *runtime, const char *name,
                                const dmx_session_options *options,
                                dmx_error *err)
{
    const dmx_onnx_options export = {.threads = options->threads,
                                     .hooks = options->hooks,
                                     .batch = batch > 1 ? DMX_ANY : 1};
    const dmx_identity who = dmx_model_identity(model);
    dmx_blob bytes;
    DMX_FORWARD(dmx_onnx_pack(&bytes, graph, &who, &export, err));
    const dmx_status status = dmx_session_open(out, runtime, name, bytes.data,
                                               bytes.size, options, err);
    dmx_blob_free(&bytes);
    return status;
}

dmx_status dmx_runner_exported(dmx_runner *out, const struct dmx_model *model,
                               int64_t samples, int64_t batch,
                               dmx_runtime *runtime, const char *name,
                               const dmx_session_options *options,
                               dmx_error *err)
{
    dmx_graph *graph;
    dmx_session *session;
    *out = (dmx_runner){0};
    DMX_FORWARD(dmx_model_graph(&graph, model, samples, err));
    dmx_status status = open_exported(&session, graph, model, batch, runtime,
                                      name, options, err);
    dmx_graph_close(graph);
    DMX_FORWARD(status);
    status = dmx_runner_onnx(out, session, model->audio_channels,
                             (int64_t)model->n_source, samples,
                             (dmx_session_batch){.most = batch}, err);
    if (status != DMX_OK)
        dmx_session_close(session);
    return status;
}
