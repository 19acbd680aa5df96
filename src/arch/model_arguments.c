/* A model's constructor arguments: the checkpoint's own, a training run's, the
 * caller's file and overrides, what the weights imply; later ones win. */
#include "arch/model_steps.h"
#include "arch/architectures.h"
#include "arch/training.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lookups are linear; this bound keeps them cheap. */
enum { MOST_ARGUMENTS = 1000 };

/* Copies every item of `from` to m->arguments, replacing items of the same
 * name. */
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

/* Names positional arguments in the constructor's order. */
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

/* Takes constructor arguments from a training run's configuration; *found tells
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

dmx_status dmx_model_take_arguments(struct dmx_model *m,
                                    const dmx_model_options *options,
                                    dmx_error *err)
{
    const struct dmx_checkpoint *c = m->checkpoint;
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
    return dmx_arguments_complete(m->arguments, m->implementation->arguments,
                                  options->hooks, err);
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
