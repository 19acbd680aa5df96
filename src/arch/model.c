/* dmx_model: chooses the architecture, resolves the arguments, checks the
 * weights. */
#include "arch/model_steps.h"
#include "arch/architectures.h"
#include "base/options.h"
#include "arch/training.h"
#include "checkpoint/rename.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The original's trainer saves 4 times the training segment, and its network
 * then pads to that; only its exporter saves the training segment itself. */
static void explain_segment(const struct dmx_model *m, const dmx_hooks *hooks)
{
    const double piece = dmx_training_segment(m->checkpoint->training);
    const double stated = (double)m->segment[0] / (double)m->segment[1];
    if (m->use_train_segment && piece > 0.0 &&
        fabs(stated - 4.0 * piece) < 1e-6)
        dmx_warn(hooks,
                 "%s: segment = %g s is 4 times the training segment, as a "
                 "training run saves it; input is padded to it, as the "
                 "original does",
                 m->checkpoint->path, stated);
}

/* Do both list the same names? */
static bool same_names(const dmx_json *a, const dmx_json *b)
{
    a = a->child;
    b = b != NULL ? b->child : NULL;
    while (a != NULL && b != NULL && dmx_json_is_string(a) &&
           dmx_json_is_string(b) &&
           strcmp(a->valuestring, b->valuestring) == 0) {
        a = a->next;
        b = b->next;
    }
    return a == NULL && b == NULL;
}

static void warn_resolved(const struct dmx_model *m, const dmx_hooks *hooks)
{
    const dmx_json *own = dmx_json_get(m->checkpoint->kwargs, "sources");
    if (own != NULL && !same_names(own, dmx_json_get(m->arguments, "sources")))
        dmx_warn(hooks, "%s: other names than its own are used for its sources",
                 m->checkpoint->path);
    for (size_t i = 0; i < m->n_assumed; i++)
        dmx_warn(hooks, "assumed %s (change it with options.set)",
                 m->assumed[i]);
}

static dmx_status build_graph(dmx_graph **out, const struct dmx_model *m,
                              int64_t samples, dmx_error *err)
{
    dmx_graph *g = dmx_graph_open();
    DMX_RETURN_IF(g == NULL, err, DMX_ERROR_MEMORY, "no memory for the graph");
    m->implementation->build(m, samples, g);
    const dmx_status status = dmx_graph_status(g, err);
    if (status == DMX_OK)
        *out = g;
    else
        dmx_graph_close(g);
    return status;
}

/* Builds the one graph for every length. A network that has none is built for
 * fixed lengths instead. */
static dmx_status build_any(struct dmx_model *m, dmx_error *err)
{
    dmx_error e = DMX_ERROR_INIT;
    const dmx_status status = build_graph(&m->graph, m, DMX_ANY, &e);
    if (status == DMX_OK || status == DMX_ERROR_UNSUPPORTED)
        return DMX_OK;
    DMX_RETURN_ERROR(err, status, "%s", e.message);
}

/* Renames weights saved by other programs and older versions. */
static dmx_status take_names(struct dmx_model *m, dmx_error *err)
{
    if (m->implementation->rename == NULL || m->checkpoint->quantized != NULL)
        return DMX_OK;
    DMX_FORWARD(dmx_checkpoint_rename(&m->own_weights, m->checkpoint,
                                      m->implementation->rename, err));
    m->weights = m->own_weights;
    return DMX_OK;
}

static dmx_status resolve(struct dmx_model *m, const dmx_model_options *options,
                          dmx_error *err)
{
    DMX_FORWARD(dmx_model_choose(m, err));
    DMX_FORWARD(take_names(m, err));
    DMX_FORWARD(dmx_model_take_arguments(m, options, err));
    warn_resolved(m, options->hooks);
    DMX_FORWARD(m->implementation->open(m, options->hooks, err));
    explain_segment(m, options->hooks);
    return build_any(m, err);
}

dmx_status dmx_model_open(dmx_model **out, const dmx_checkpoint *checkpoint,
                          const dmx_model_options *options, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, checkpoint);
    dmx_model_options o = DMX_MODEL_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_model_options, err));
    struct dmx_model *m = calloc(1, sizeof *m);
    DMX_RETURN_IF(m == NULL, err, DMX_ERROR_MEMORY, "no memory");
    m->checkpoint = m->weights = checkpoint;
    const dmx_status status = resolve(m, &o, err);
    if (status != DMX_OK) {
        dmx_model_close(m);
        return status;
    }
    *out = m;
    return DMX_OK;
}

void dmx_model_close(dmx_model *m)
{
    if (m == NULL)
        return;
    dmx_graph_close(m->graph);
    dmx_checkpoint_close(m->own_weights);
    if (m->implementation != NULL)
        m->implementation->close(m);
    for (size_t i = 0; i < m->n_source; i++)
        free(m->source[i]);
    for (size_t i = 0; i < m->n_assumed; i++)
        free(m->assumed[i]);
    free(m->source);
    free(m->assumed);
    dmx_json_free(m->arguments);
    free(m);
}

int64_t dmx_model_run_length(const struct dmx_model *m, int64_t n)
{
    return m->implementation->run_length != NULL
               ? m->implementation->run_length(m->arguments, n)
               : n;
}

dmx_status dmx_model_graph(dmx_graph **out, const struct dmx_model *m,
                           int64_t samples, dmx_error *err)
{
    *out = NULL;
    if (samples == 0)
        samples = m->training_samples;
    DMX_RETURN_IF(samples < 1, err, DMX_ERROR_ARGUMENT,
                  "a graph needs at least one sample");
    return m->graph != NULL ? dmx_graph_at(out, m->graph, samples, err)
                            : build_graph(out, m, samples, err);
}

dmx_status dmx_model_graph_any(const dmx_graph **out, const struct dmx_model *m,
                               dmx_error *err)
{
    *out = m->graph;
    DMX_RETURN_IF(m->graph == NULL, err, DMX_ERROR_UNSUPPORTED,
                  "the lengths inside this %s follow no rule: choose one "
                  "length",
                  m->implementation->klass_name);
    return DMX_OK;
}
