/* dmx_model: which architecture, which arguments, does it all fit? */
#include "arch/architectures.h"
#include "base/options.h"
#include "arch/training.h"
#include "arch/unsupported.h"
#include "checkpoint/rename.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct dmx_architecture *const architectures[] = {
    &dmx_architecture_htdemucs,
    &dmx_architecture_hdemucs,
    &dmx_architecture_demucs,
};
#define N_ARCHITECTURES (sizeof architectures / sizeof architectures[0])

const struct dmx_architecture *dmx_architecture_find(const char *klass)
{
    for (size_t i = 0; i < N_ARCHITECTURES; i++)
        if (strcmp(architectures[i]->klass_name, klass) == 0 ||
            (architectures[i]->other_klass_name != NULL &&
             strcmp(architectures[i]->other_klass_name, klass) == 0))
            return architectures[i];
    return NULL;
}

bool dmx_architecture_known(const char *klass_name)
{
    return dmx_architecture_find(klass_name) != NULL;
}

bool dmx_architecture_quantized(const char *klass_name)
{
    const struct dmx_architecture *found = dmx_architecture_find(klass_name);
    return found != NULL && found->quantized;
}

static const struct dmx_architecture *find_name(const char *name)
{
    for (size_t i = 0; i < N_ARCHITECTURES; i++)
        if (strcmp(architectures[i]->name, name) == 0)
            return architectures[i];
    return NULL;
}

int64_t dmx_architecture_draws_position(const char *name,
                                        const dmx_json *arguments)
{
    const struct dmx_architecture *found = find_name(name);
    return found != NULL && found->draws_position != NULL
               ? found->draws_position(arguments)
               : 0;
}

static const struct dmx_architecture *
recognise(const struct dmx_checkpoint *checkpoint)
{
    for (size_t i = 0; i < N_ARCHITECTURES; i++)
        if (architectures[i]->recognise(checkpoint))
            return architectures[i];
    return NULL;
}

/* "HTDemucs", or "HTDemucs, HDemucs": what can be handled. */
static const char *all_classes(char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < N_ARCHITECTURES && used < size; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s",
                             i != 0 ? ", " : "", architectures[i]->klass_name);
    return text;
}

static dmx_status choose_class(struct dmx_model *m, dmx_error *err)
{
    const struct dmx_checkpoint *c = m->checkpoint;
    const char *module = c->klass_module != NULL ? c->klass_module : "";
    char classes[128];
    m->implementation = dmx_architecture_find(c->klass_name);
    DMX_RETURN_IF(
        strcmp(module, "demucs.model") == 0, err, DMX_ERROR_UNSUPPORTED,
        "%s: class %s.%s is of Demucs v1 or v2; supported are v3 and "
        "v4: %s",
        c->path, module, c->klass_name, all_classes(classes, sizeof classes));
    DMX_RETURN_IF(m->implementation == NULL, err, DMX_ERROR_UNSUPPORTED,
                  "%s: %sclass %s.%s is not supported; supported: %s", c->path,
                  dmx_architecture_described(c->klass_name), module,
                  c->klass_name, all_classes(classes, sizeof classes));
    return DMX_OK;
}

/* Of weights without a class: what the run's configuration names, else what
 * the names look like. */
static dmx_status choose_bare(struct dmx_model *m, dmx_error *err)
{
    const struct dmx_checkpoint *c = m->checkpoint;
    const char *name = dmx_training_model(c->training);
    char classes[128], names[400];
    m->implementation = name != NULL ? find_name(name) : recognise(c);
    DMX_RETURN_IF(m->implementation == NULL && name != NULL, err,
                  DMX_ERROR_UNSUPPORTED,
                  "%s: a training run of model %.40s is not supported; "
                  "supported: %s",
                  c->path, name, all_classes(classes, sizeof classes));
    DMX_RETURN_IF(m->implementation == NULL, err, DMX_ERROR_UNSUPPORTED,
                  "%s: the weights are not those of a supported architecture "
                  "(%s); %s",
                  c->path, all_classes(classes, sizeof classes),
                  dmx_weights_hint(names, sizeof names, c));
    return DMX_OK;
}

static dmx_status choose(struct dmx_model *m, dmx_error *err)
{
    DMX_FORWARD(m->checkpoint->klass_name != NULL ? choose_class(m, err)
                                                  : choose_bare(m, err));
    m->architecture = m->implementation->name;
    DMX_RETURN_IF(
        m->checkpoint->quantized != NULL && !m->implementation->quantized, err,
        DMX_ERROR_UNSUPPORTED,
        "%s: quantized weights (DiffQ) of class %s are not supported; "
        "use the model that is not quantized",
        m->checkpoint->path, m->implementation->klass_name);
    return DMX_OK;
}

/* Each is looked for among all: a bound keeps that cheap. */
enum { MOST_ARGUMENTS = 1000 };

/* Copies every item of `from` over those of m->arguments. */
static dmx_status overlay(struct dmx_model *m, const dmx_json *from,
                          dmx_error *err)
{
    const dmx_json *item;
    const int count = dmx_json_count(from);
    DMX_RETURN_IF(count > MOST_ARGUMENTS, err, DMX_ERROR_LIMIT,
                  "%d constructor arguments are more than the limit of %d",
                  count, MOST_ARGUMENTS);
    DMX_JSON_EACH (item, from) {
        dmx_json *copy = dmx_json_copy(item);
        dmx_json_remove(m->arguments, item->string);
        if (copy == NULL || !dmx_json_add(m->arguments, item->string, copy)) {
            dmx_json_free(copy);
            DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory for arguments");
        }
    }
    return DMX_OK;
}

/* Positional arguments take the names of the constructor's order. */
static dmx_status take_positional(struct dmx_model *m, dmx_error *err)
{
    const dmx_argument *name = m->implementation->arguments;
    const dmx_json *item;
    DMX_JSON_EACH (item, m->checkpoint->args) {
        DMX_RETURN_IF(name->name == NULL, err, DMX_ERROR_MODEL,
                      "more positional arguments than the class has");
        dmx_json *copy = dmx_json_copy(item);
        if (copy == NULL || !dmx_json_add(m->arguments, name->name, copy)) {
            dmx_json_free(copy);
            DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory for arguments");
        }
        name++;
    }
    return DMX_OK;
}

static dmx_status take_file(struct dmx_model *m, const char *path,
                            dmx_error *err)
{
    dmx_json *file;
    DMX_FORWARD(dmx_arguments_read_file(&file, path, m->architecture, err));
    const dmx_status status = overlay(m, file, err);
    if (status == DMX_ERROR_LIMIT)
        dmx_error_prefix(err, "%s", path);
    dmx_json_free(file);
    return status;
}

static dmx_status take_overrides(struct dmx_model *m, const char *const *set,
                                 dmx_error *err)
{
    dmx_json *object = dmx_json_new(DMX_JSON_OBJECT);
    dmx_status status =
        object != NULL ? DMX_OK : dmx_fail(err, DMX_ERROR_MEMORY, "no memory");
    for (; status == DMX_OK && *set != NULL; set++)
        status = dmx_arguments_set(object, *set, err);
    const dmx_json *item;
    DMX_JSON_EACH (item, object) {
        if (status == DMX_OK &&
            !dmx_arguments_known(m->implementation->arguments, item->string))
            status = dmx_fail(err, DMX_ERROR_ARGUMENT,
                              "%s has no argument '%s' (options.set)",
                              m->implementation->klass_name, item->string);
    }
    if (status == DMX_OK)
        status = overlay(m, object, err);
    dmx_json_free(object);
    return status;
}

/* Constructor arguments out of a training run's configuration; *found tells
 * whether it has them. */
static dmx_status take_training(bool *found, struct dmx_model *m,
                                dmx_error *err)
{
    dmx_json *arguments = NULL;
    if (m->checkpoint->klass_name == NULL && m->checkpoint->training != NULL)
        DMX_FORWARD(
            dmx_training_arguments(&arguments, m->checkpoint->training, err));
    *found = arguments != NULL;
    const dmx_status status = *found ? overlay(m, arguments, err) : DMX_OK;
    dmx_json_free(arguments);
    return status;
}

/* The original's trainer states 4 times the training segment, and its network
 * then pads to that; only its exporter puts the training segment there. */
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

/* Do both list the same texts? */
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

/* The one graph for every length. A network without one keeps its graphs of
 * fixed lengths. */
static dmx_status build_any(struct dmx_model *m, dmx_error *err)
{
    dmx_error e = DMX_ERROR_INIT;
    const dmx_status status = build_graph(&m->graph, m, DMX_ANY, &e);
    if (status == DMX_OK || status == DMX_ERROR_UNSUPPORTED)
        return DMX_OK;
    DMX_RETURN_ERROR(err, status, "%s", e.message);
}

/* Names that other programs and older versions gave to the weights. */
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
    const struct dmx_checkpoint *c = m->checkpoint;
    DMX_FORWARD(choose(m, err));
    DMX_FORWARD(take_names(m, err));
    m->arguments = dmx_json_new(DMX_JSON_OBJECT);
    DMX_RETURN_IF(m->arguments == NULL, err, DMX_ERROR_MEMORY, "no memory");
    DMX_FORWARD(take_positional(m, err));
    DMX_FORWARD(overlay(m, c->kwargs, err));
    bool trained = false;
    DMX_FORWARD(take_training(&trained, m, err));
    if (options->config_path != NULL)
        DMX_FORWARD(take_file(m, options->config_path, err));
    if (options->set != NULL)
        DMX_FORWARD(take_overrides(m, options->set, err));
    if (c->klass_name == NULL && !trained)
        DMX_FORWARD(m->implementation->infer(m, err));
    DMX_FORWARD(dmx_arguments_complete(
        m->arguments, m->implementation->arguments, options->hooks, err));
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

dmx_status dmx_model_assume(struct dmx_model *m, const char *name,
                            const char *json, dmx_error *err)
{
    if (dmx_json_get(m->arguments, name) != NULL)
        return DMX_OK;
    const size_t size = strlen(name) + strlen(json) + 4;
    char **list = realloc(m->assumed, (m->n_assumed + 1) * sizeof *list);
    char *text = malloc(size);
    dmx_json *value = dmx_json_read(json);
    if (list != NULL)
        m->assumed = list;
    if (list == NULL || text == NULL || value == NULL ||
        !dmx_json_add(m->arguments, name, value)) {
        dmx_json_free(value);
        free(text);
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory for arguments");
    }
    snprintf(text, size, "%s = %s", name, json);
    m->assumed[m->n_assumed++] = text;
    return DMX_OK;
}

int64_t dmx_model_run_length(const struct dmx_model *m, int64_t n)
{
    return m->implementation->run_length != NULL
               ? m->implementation->run_length(m, n)
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
