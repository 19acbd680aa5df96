/* From the top value of a pickle to a class, arguments and a state dict. */
#include "checkpoint/bytes.h"
#include "checkpoint/load.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 48, LISTED = 4 };

static bool has_tensors(const dmx_pickled *v)
{
    if (v == NULL || v->kind != DMX_PICKLED_DICT)
        return false;
    for (uint32_t i = 1; i < v->as.list.count; i += 2)
        if (v->as.list.item[i]->kind == DMX_PICKLED_TENSOR)
            return true;
    return false;
}

/* DiffQ stores levels and scales instead of numbers. */
static dmx_status refuse_quantized(dmx_load *load, const dmx_pickled *state)
{
    DMX_RETURN_IF(dmx_pickled_get(state, "__quantized") != NULL ||
                      (dmx_pickled_get(state, "quantized") != NULL &&
                       dmx_pickled_get(state, "meta") != NULL),
                  load->err, DMX_ERROR_UNSUPPORTED,
                  "the weights are quantized by DiffQ (as in mdx_q and "
                  "mdx_extra_q), which is not supported; use the "
                  "model that is not quantized (mdx, mdx_extra)");
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
    DMX_FORWARD(refuse_quantized(load, state));
    DMX_FORWARD(set_arguments(load, top));
    return dmx_load_state(load, state, locate);
}

/* -------------------------------------------------------- wrapped state dicts
 */

/* A wrapper's state dict is its value, or the "state" inside it, as moving
 * averages are saved; *path becomes its name. */
static const dmx_pickled *inner_state(const char **path, const dmx_pickled *v,
                                      const char *inside)
{
    *path = "";
    if (has_tensors(v))
        return v;
    const dmx_pickled *deeper = dmx_pickled_get(v, "state");
    *path = inside;
    return has_tensors(deeper) ? deeper : NULL;
}

static bool starts_with(const dmx_pickled *key, const char *text)
{
    const size_t n = strlen(text);
    return key->kind == DMX_PICKLED_STRING && key->as.text.size >= n &&
           memcmp(key->as.text.data, text, n) == 0;
}

/* How good a key is as a wrapper: 0 is best, -1 none. */
static int wrapper_rank(const dmx_pickled *key)
{
    static const char *const others[] = {
        "state_dict", "model_state_dict", "state", "model", "model_state",
        "net",        "params",
    };
    if (dmx_pickled_is(key, "best_state"))
        return 0;
    if (starts_with(key, "ema") || dmx_pickled_is(key, "model_ema"))
        return 1;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (dmx_pickled_is(key, others[i]))
            return 2;
    return -1;
}

typedef struct candidate {
    const dmx_pickled *key, *state;
    const char *inside;
    int rank;
} candidate;

static candidate find_wrapped(const dmx_pickled *top)
{
    candidate best = {NULL, NULL, "", 3};
    for (uint32_t i = 0; i + 1 < top->as.list.count; i += 2) {
        const dmx_pickled *key = top->as.list.item[i];
        const int rank = wrapper_rank(key);
        const char *inside;
        if (rank < 0 || rank >= best.rank)
            continue;
        const dmx_pickled *state =
            inner_state(&inside, top->as.list.item[i + 1], ".state");
        if (state != NULL)
            best = (candidate){key, state, inside, rank};
    }
    return best;
}

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

static dmx_status no_weights(dmx_load *load, const dmx_pickled *top)
{
    char entries[400];
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

static dmx_status set_wrapper(dmx_load *load, const candidate *found)
{
    if (found->key->as.text.size > DMX_STATE_MAX_NAME ||
        !dmx_text_clean(found->key->as.text.data, found->key->as.text.size))
        return DMX_OK; /* usable, but no name to show */
    load->checkpoint->wrapper =
        dmx_arena_printf(load->arena, "%.*s%s", (int)found->key->as.text.size,
                         found->key->as.text.data, found->inside);
    DMX_RETURN_IF(load->checkpoint->wrapper == NULL, load->err,
                  DMX_ERROR_MEMORY, "no memory for a name");
    return DMX_OK;
}

static dmx_status load_wrapped(dmx_load *load, const dmx_pickled *top,
                               dmx_locate *locate)
{
    const candidate found = find_wrapped(top);
    if (found.state == NULL) {
        DMX_FORWARD(refuse_quantized(load, dmx_pickled_get(top, "state")));
        return no_weights(load, top);
    }
    DMX_FORWARD(set_wrapper(load, &found));
    DMX_FORWARD(refuse_quantized(load, found.state));
    return dmx_load_state(load, found.state, locate);
}

dmx_status dmx_load_package(dmx_load *load, const dmx_pickled *top,
                            dmx_locate *locate)
{
    if (top->kind != DMX_PICKLED_DICT)
        return no_weights(load, top);
    const dmx_pickled *klass = dmx_pickled_get(top, "klass");
    if (klass != NULL && klass->kind != DMX_PICKLED_TENSOR)
        return load_demucs(load, top, klass, locate);
    DMX_FORWARD(refuse_quantized(load, top));
    if (has_tensors(top))
        return dmx_load_state(load, top, locate);
    return load_wrapped(load, top, locate);
}
