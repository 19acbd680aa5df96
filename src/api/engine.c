/* The native engine for a model: engine/ itself takes any graph. */
#include "engine/engine.h"

#include "arch/arch.h"
#include "base/json.h"

dmx_status dmx_engine_open(dmx_engine **out, const dmx_model *model,
                           int64_t samples, const dmx_engine_options *options,
                           dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, model);
    dmx_graph *graph;
    DMX_FORWARD(dmx_model_graph(&graph, model, samples, err));
    const dmx_status status = dmx_engine_open_graph(out, graph, options, err);
    dmx_graph_close(graph);
    return status;
}

static dmx_json *step_json(const dmx_step_profile *step)
{
    dmx_json *item = dmx_json_new(DMX_JSON_OBJECT);
    dmx_json_add_string(item, "kind", step->kind);
    dmx_json_add_string(item, "path", step->path);
    dmx_json_add_number(item, "ms", step->seconds * 1e3);
    if (step->flops > 0.0) {
        const double gflop = step->flops * 1e-9;
        dmx_json_add_number(item, "gflop", gflop);
        dmx_json_add_number(item, "gflops", gflop / (step->seconds + 1e-12));
    }
    return item;
}

char *dmx_engine_profile_json(const dmx_engine_state *s)
{
    if (s == NULL)
        return NULL;
    dmx_json *root = dmx_json_new(DMX_JSON_OBJECT);
    dmx_json *steps = dmx_json_add_array(root, "steps");
    double total = 0.0, flops = 0.0;
    dmx_step_profile step;
    for (size_t at = 0; dmx_engine_profile_next(&step, &at, s);) {
        dmx_json_append(steps, step_json(&step));
        flops += step.flops;
        total += step.seconds;
    }
    dmx_json_add_string(root, "isa", dmx_engine_isa(dmx_engine_of_state(s)));
    dmx_json_add_number(root, "threads", dmx_engine_state_threads(s));
    dmx_json_add_number(root, "ms", total * 1e3);
    dmx_json_add_number(root, "gflop", flops * 1e-9);
    char *text = dmx_json_print(root);
    dmx_json_free(root);
    return text;
}
