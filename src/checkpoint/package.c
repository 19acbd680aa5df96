/* From the top value of a pickle to a class, arguments and a state dict. */
#include "checkpoint/bytes.h"
#include "checkpoint/load.h"
#include "checkpoint/quantized.h"
#include "checkpoint/state_sets.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 48, LISTED = 4 };

/* Quantized states hold no tensor names; without a class they can't be
 * recovered. */
static dmx_status refuse_quantized(dmx_load *load, const dmx_pickled *state)
{
    DMX_RETURN_IF(dmx_is_quantized(state), load->err, DMX_ERROR_UNSUPPORTED,
                  "the weights are quantized by DiffQ without a class beside "
                  "them, which is not supported");
    return DMX_OK;
}

/* ---------------------------------------------------------------- packages */

static dmx_status set_class(dmx_load *load, const dmx_pickled *klass)
{
    struct dmx_checkpoint *c = load->checkpoint;
    DMX_RETURN_IF(klass->kind == DMX_PICKLED_OPAQUE, load->err,
                  DMX_ERROR_UNSUPPORTED,
                  "klass is the result of %s, which was not run, instead of a "
                  "class; do not trust this file",
                  dmx_pickled_describe(klass));
    DMX_RETURN_IF(klass->kind != DMX_PICKLED_SYMBOL, load->err,
                  DMX_ERROR_FORMAT, "klass is %s, not a class",
                  dmx_pickled_describe(klass));
    const dmx_symbol *s = klass->as.symbol;
    c->klass_module =
        dmx_arena_strndup(load->arena, s->module, strlen(s->module));
    c->klass_name = dmx_arena_strndup(load->arena, s->name, strlen(s->name));
    DMX_RETURN_IF(c->klass_module == NULL || c->klass_name == NULL, load->err,
                  DMX_ERROR_MEMORY, "no memory for the class");
    return DMX_OK;
}

static dmx_status set_arguments(dmx_load *load, const dmx_pickled *top)
{
    struct dmx_checkpoint *c = load->checkpoint;
    const dmx_pickled *args = dmx_pickled_get(top, "args");
    const dmx_pickled *kwargs = dmx_pickled_get(top, "kwargs");
    const bool sequence = args == NULL || args->kind == DMX_PICKLED_TUPLE ||
                          args->kind == DMX_PICKLED_LIST;
    DMX_RETURN_IF(!sequence, load->err, DMX_ERROR_FORMAT,
                  "args is %s, not a tuple", dmx_pickled_describe(args));
    DMX_RETURN_IF(kwargs != NULL && kwargs->kind != DMX_PICKLED_DICT, load->err,
                  DMX_ERROR_FORMAT, "kwargs is %s, not a dict",
                  dmx_pickled_describe(kwargs));
    const dmx_pickled none = {.kind = DMX_PICKLED_TUPLE},
                      empty = {.kind = DMX_PICKLED_DICT};
    DMX_FORWARD(
        dmx_pickled_json(&c->args, args != NULL ? args : &none, load->err));
    return dmx_pickled_json(&c->kwargs, kwargs != NULL ? kwargs : &empty,
                            load->err);
}

/* Takes the training run's configuration if `config` is one; otherwise this is
 * not an error, since nothing depends on it. */
static dmx_status set_training(dmx_load *load, const dmx_pickled *config)
{
    struct dmx_checkpoint *c = load->checkpoint;
    dmx_error err = DMX_ERROR_INIT;
    if (config == NULL)
        return DMX_OK;
    const dmx_status status = dmx_pickled_json(&c->training, config, &err);
    DMX_RETURN_IF(status == DMX_ERROR_MEMORY, load->err, status, "%s",
                  err.message);
    if (status == DMX_OK && dmx_json_is_object(c->training) &&
        dmx_json_get(c->training, "_type") == NULL)
        return DMX_OK;
    if (status != DMX_OK)
        dmx_warn(load->hooks, "%s: training configuration ignored: %s", c->path,
                 err.message);
    dmx_json_free(c->training);
    c->training = NULL;
    return DMX_OK;
}

static dmx_status load_demucs(dmx_load *load, const dmx_pickled *top,
                              const dmx_pickled *klass, dmx_locate *locate)
{
    const dmx_pickled *state = dmx_pickled_get(top, "state");
    DMX_FORWARD(set_class(load, klass));
    DMX_RETURN_IF(state == NULL, load->err, DMX_ERROR_MODEL,
                  "the package names class %s but holds no state",
                  load->checkpoint->klass_name);
    DMX_RETURN_IF(state->kind != DMX_PICKLED_DICT, load->err, DMX_ERROR_MODEL,
                  "state is %s, not a dict of weights",
                  dmx_pickled_describe(state));
    DMX_RETURN_IF(load->weights != NULL &&
                      strcmp(load->weights, "state") != 0 &&
                      strcmp(load->weights, "best") != 0,
                  load->err, DMX_ERROR_ARGUMENT,
                  "no weights called '%s': a package holds only its state",
                  load->weights);
    DMX_FORWARD(set_arguments(load, top));
    DMX_FORWARD(set_training(load, dmx_pickled_get(top, "training_args")));
    if (dmx_is_quantized(state))
        return dmx_load_quantized(&load->checkpoint->quantized, load, state,
                                  locate);
    return dmx_load_state(load, state, locate);
}

/* ----------------------------------------------------- wrapped state dicts */

/* "hello: a list, state: builtins.eval" */
static const char *list_entries(char *out, size_t size, const dmx_pickled *top)
{
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i + 1 < top->as.list.count && i < 2 * LISTED; i += 2) {
        const dmx_pickled *key = top->as.list.item[i];
        char shown[SHOWN];
        const bool named = key->kind == DMX_PICKLED_STRING;
        const int wrote =
            snprintf(out + n, size - n, "%s%s: %.80s", i != 0 ? ", " : "",
                     named ? dmx_text_show(shown, sizeof shown,
                                           key->as.text.data, key->as.text.size)
                           : dmx_pickled_describe(key),
                     dmx_pickled_describe(top->as.list.item[i + 1]));
        if (wrote < 0 || (size_t)wrote >= size - n)
            break;
        n += (size_t)wrote;
    }
    return out;
}

/* The first two generations saved [class, args, kwargs, state]. */
static const dmx_symbol *listed_class(const dmx_pickled *top)
{
    const bool list =
        top->kind == DMX_PICKLED_LIST || top->kind == DMX_PICKLED_TUPLE;
    if (!list || top->as.list.count < 2 ||
        top->as.list.item[0]->kind != DMX_PICKLED_SYMBOL)
        return NULL;
    return top->as.list.item[0]->as.symbol;
}

static dmx_status no_weights(dmx_load *load, const dmx_pickled *top)
{
    char entries[400];
    const dmx_symbol *old = listed_class(top);
    if (old != NULL && strncmp(old->module, "demucs", 6) == 0)
        DMX_RETURN_ERROR(load->err, DMX_ERROR_UNSUPPORTED,
                         "%s of an old generation (%s), not supported; use a "
                         "model of Demucs 4 (htdemucs)",
                         strstr(old->full, "asnet") != NULL ? "a ConvTasNet"
                                                            : "Demucs 1 or 2",
                         old->full);
    if (top->kind == DMX_PICKLED_OPAQUE)
        DMX_RETURN_ERROR(load->err, DMX_ERROR_UNSUPPORTED,
                         "it holds a pickled %s object, which was not "
                         "created; save the model's state_dict() instead",
                         dmx_pickled_describe(top));
    DMX_RETURN_IF(top->kind != DMX_PICKLED_DICT, load->err, DMX_ERROR_MODEL,
                  "not a model: it holds %s instead of a Demucs package or a "
                  "state dict",
                  dmx_pickled_describe(top));
    DMX_RETURN_ERROR(
        load->err, DMX_ERROR_MODEL,
        "not a model: neither a Demucs package (klass, args, kwargs, state) "
        "nor a state dict; it holds %u %s (%s) and nothing was run",
        top->as.list.count / 2, top->as.list.count == 2 ? "entry" : "entries",
        list_entries(entries, sizeof entries, top));
}

static dmx_status keep_text(char **out, dmx_load *load, const char *text)
{
    *out = dmx_arena_strndup(load->arena, text, strlen(text));
    DMX_RETURN_IF(*out == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for a name");
    return DMX_OK;
}

static dmx_status keep_sets(dmx_load *load, const dmx_state_sets *sets,
                            const dmx_state_set *chosen)
{
    struct dmx_checkpoint *c = load->checkpoint;
    char list[512];
    c->set = dmx_arena_alloc(load->arena, sets->count, sizeof *c->set);
    DMX_RETURN_IF(c->set == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for names");
    for (size_t i = 0; i < sets->count; i++)
        DMX_FORWARD(keep_text(&c->set[c->n_set++], load, sets->set[i].name));
    if (sets->count > 1 && load->weights == NULL)
        dmx_warn(load->hooks, "%s: of its sets of weights (%s), %s is used",
                 c->path, dmx_state_sets_list(list, sizeof list, sets),
                 chosen->name);
    DMX_FORWARD(keep_text(&c->weights, load, chosen->name));
    return keep_text(&c->wrapper, load, chosen->path);
}

/* Loads the weights and, from files of the original's trainer, the
 * configuration. */
static dmx_status load_wrapped(dmx_load *load, const dmx_pickled *top,
                               const dmx_state_sets *sets, dmx_locate *locate)
{
    char list[512];
    const dmx_state_set *found = dmx_state_sets_choose(sets, load->weights);
    DMX_RETURN_IF(found == NULL, load->err, DMX_ERROR_ARGUMENT,
                  "no weights called '%s'; it holds %s", load->weights,
                  dmx_state_sets_list(list, sizeof list, sets));
    DMX_FORWARD(refuse_quantized(load, found->state));
    DMX_FORWARD(keep_sets(load, sets, found));
    DMX_FORWARD(set_training(load, dmx_pickled_get(top, "args")));
    return dmx_load_state(load, found->state, locate);
}

static size_t tensors_in(const dmx_pickled *dict)
{
    size_t n = 0;
    for (uint32_t i = 1; i < dict->as.list.count; i += 2)
        n += dict->as.list.item[i]->kind == DMX_PICKLED_TENSOR;
    return n;
}

/* Loads a file that holds only weights: `weights` selects those whose names
 * start with it. */
static dmx_status load_bare(dmx_load *load, const dmx_pickled *top,
                            dmx_locate *locate)
{
    DMX_FORWARD(dmx_load_state(load, top, locate));
    return load->weights != NULL ? dmx_load_group(load) : DMX_OK;
}

dmx_status dmx_load_package(dmx_load *load, const dmx_pickled *top,
                            dmx_locate *locate)
{
    if (top->kind != DMX_PICKLED_DICT)
        return no_weights(load, top);
    const dmx_pickled *klass = dmx_pickled_get(top, "klass");
    if (klass != NULL && klass->kind != DMX_PICKLED_TENSOR)
        return load_demucs(load, top, klass, locate);
    dmx_state_sets *sets =
        dmx_arena_alloc(&load->pickle.arena, 1, sizeof *sets);
    DMX_RETURN_IF(sets == NULL, load->err, DMX_ERROR_MEMORY, "no memory");
    DMX_FORWARD(refuse_quantized(load, top));
    dmx_state_sets_find(sets, top);
    const dmx_state_set *best = dmx_state_sets_choose(sets, NULL);
    if (dmx_pickled_has_tensors(top) &&
        (best == NULL || tensors_in(top) >= tensors_in(best->state)))
        return load_bare(load, top, locate);
    if (best == NULL) {
        DMX_FORWARD(refuse_quantized(load, dmx_pickled_get(top, "state")));
        return no_weights(load, top);
    }
    return load_wrapped(load, top, sets, locate);
}
