/* The native engine for a model; engine/ itself compiles any graph. */
#include "api/precision.h"
#include "base/json.h"
#include "base/options.h"

#include <math.h>

/* Takes a stored choice, or makes a new one. */
static dmx_status choose(dmx_choice *c, const dmx_choice_key *key,
                         const dmx_graph *graph, const dmx_engine_options *o,
                         dmx_error *err)
{
    if (o->choices != NULL && dmx_choice_read(c, o->choices, key))
        return DMX_OK;
    DMX_FORWARD(dmx_precision_prove(c, graph, o, err));
    if (o->choices != NULL)
        dmx_choice_write(c, o->choices, key, o->hooks);
    return DMX_OK;
}

static dmx_status choose_or_stay(dmx_precision_plan *plan,
                                 dmx_precision_report *report,
                                 const dmx_model *model, const dmx_graph *graph,
                                 const dmx_engine_options *o, dmx_error *err)
{
    bool pays[DMX_NUMBERS];
    dmx_choice c = {.decibels = INFINITY};
    const dmx_shape in = dmx_graph_shape(graph, graph->input);
    const dmx_choice_key key = {.model = model,
                                .precision = o->precision,
                                .isa = dmx_engine_integers(pays, o->isa),
                                .samples = in.dim[2],
                                .low_memory = o->low_memory != 0,
                                .unfused = o->unfused != 0};
    if (dmx_precision_first(&c.plan, o->precision, pays) == 0)
        report->note = "this processor gains nothing from integers; exact";
    else {
        DMX_FORWARD(choose(&c, &key, graph, o, err));
        if (isinf(c.decibels))
            report->note =
                "this model needs float32 to keep the promise; exact";
    }
    report->decibels = c.decibels;
    report->samples = c.samples;
    *plan = c.plan;
    return DMX_OK;
}

/* Whether options.like has this precision and would compute the same: its
 * choice is taken over with its weights. */
static bool is_like(const dmx_engine_options *o)
{
    return o->like != NULL &&
           dmx_engine_report(o->like)->wanted == (int)o->precision &&
           dmx_engine_computes_alike(o->like, o);
}

static dmx_status open_reduced(dmx_engine **out, const dmx_model *model,
                               const dmx_graph *graph,
                               const dmx_engine_options *o, dmx_error *err)
{
    dmx_precision_plan plan;
    dmx_precision_report report = {
        .wanted = (int)o->precision,
        .promise = dmx_precision_promise(o->precision),
    };
    if (is_like(o)) {
        plan = *dmx_engine_plan(o->like);
        report = *dmx_engine_report(o->like);
    } else
        DMX_FORWARD(choose_or_stay(&plan, &report, model, graph, o, err));
    DMX_FORWARD(dmx_engine_open_planned(out, graph, o, &plan, err));
    dmx_engine_set_report(*out, &report);
    return DMX_OK;
}

static dmx_status open_any(dmx_engine **out, const dmx_model *model,
                           const dmx_graph *graph, const dmx_engine_options *o,
                           dmx_error *err)
{
    if (o->precision != DMX_ENGINE_EXACT)
        return open_reduced(out, model, graph, o, err);
    DMX_FORWARD(dmx_engine_open_graph(out, graph, o, err));
    dmx_engine_set_report(*out, &(dmx_precision_report){.decibels = INFINITY});
    return DMX_OK;
}

dmx_status dmx_engine_open(dmx_engine **out, const dmx_model *model,
                           int64_t samples, const dmx_engine_options *options,
                           dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, model);
    dmx_graph *graph;
    dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_engine_options, err));
    DMX_RETURN_IF(dmx_engine_precision_name(o.precision) == NULL, err,
                  DMX_ERROR_ARGUMENT, "there is no precision number %d",
                  (int)o.precision);
    DMX_FORWARD(dmx_model_graph(&graph, model, samples, err));
    dmx_status status = dmx_graph_status(graph, err);
    if (status == DMX_OK)
        status = open_any(out, model, graph, &o, err);
    dmx_graph_close(graph);
    return status;
}

char *dmx_engine_precision_json(const dmx_engine *engine)
{
    bool pays[DMX_NUMBERS];
    if (engine == NULL)
        return NULL;
    dmx_json *root = dmx_precision_document(
        dmx_engine_report(engine), dmx_engine_plan(engine),
        dmx_engine_integers(pays, dmx_engine_isa(engine)));
    char *text = dmx_json_print(root);
    dmx_json_free(root);
    return text;
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
