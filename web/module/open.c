/* Opening: the options' JSON becomes a bag and a separator. */
#include "module.h"
#include "engine.h"
#include "graph.h"
#include "state.h"

#include "base/json.h"
#include "base/memory.h"
#include "engine/kernels/kernels.h"
#include "hub/bag.h"
#include "separate/separator.h"

#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------- errors */

static dmx_error error = DMX_ERROR_INIT;

dmx_error *web_last_error(void)
{
    return &error;
}

const char *web_error(void)
{
    return error.message;
}

const char *web_error_kind(void)
{
    return dmx_status_name(error.code);
}

/* ---------------------------------------------------------------- hooks */

static void on_warning(void *user, const char *message)
{
    (void)user;
    host_warn(message);
}

static int on_progress(void *user, const char *stage, double fraction)
{
    (void)user;
    return host_progress(stage, fraction);
}

dmx_hooks web_hooks(void)
{
    dmx_hooks hooks = DMX_HOOKS_INIT;
    hooks.warn = on_warning;
    hooks.progress = on_progress;
    return hooks;
}

/* -------------------------------------------------------------- options */

typedef struct request {
    dmx_json *json;
    dmx_separator_options options;
    const char **stems; /* NULL-terminated */
    dmx_bag *bag;
} request;

static dmx_status bad(const char *key, const char *wanted, dmx_error *err)
{
    DMX_RETURN_ERROR(err, DMX_ERROR_ARGUMENT, "options: '%s' must be %s", key,
                     wanted);
}

static dmx_status take_number(double *out, const dmx_json *item, double least,
                              double most, dmx_error *err)
{
    DMX_RETURN_IF(!dmx_json_is_number(item) || !(item->valuedouble >= least &&
                                                 item->valuedouble <= most),
                  err, DMX_ERROR_ARGUMENT,
                  "options: '%s' must be a number from %.15g to %.15g",
                  item->string, least, most);
    *out = item->valuedouble;
    return DMX_OK;
}

static dmx_status take_int(int *out, const dmx_json *item, int most,
                           dmx_error *err)
{
    double value;
    DMX_FORWARD(take_number(&value, item, 0, most, err));
    DMX_RETURN_IF(value != (double)(int)value, err, DMX_ERROR_ARGUMENT,
                  "options: '%s' must be a whole number", item->string);
    *out = (int)value;
    return DMX_OK;
}

static dmx_status take_seed(int64_t *out, const dmx_json *item, dmx_error *err)
{
    double value;
    const double most = 9007199254740992.0; /* 2^53: whole numbers are exact */
    DMX_FORWARD(take_number(&value, item, -most, most, err));
    *out = (int64_t)value;
    return DMX_OK;
}

static dmx_status take_stems(request *r, const dmx_json *item, dmx_error *err)
{
    const int count = dmx_json_count(item);
    if (!dmx_json_is_array(item) || count == 0)
        return bad(item->string, "a list of names", err);
    r->stems = calloc((size_t)count + 1, sizeof *r->stems);
    DMX_RETURN_IF(r->stems == NULL, err, DMX_ERROR_MEMORY, "no memory");
    const dmx_json *name;
    size_t i = 0;
    DMX_JSON_EACH (name, item) {
        r->stems[i] = dmx_json_text_of(name);
        if (r->stems[i++] == NULL)
            return bad(item->string, "a list of names", err);
    }
    r->options.stems = r->stems;
    return DMX_OK;
}

static dmx_status take_precision(request *r, const dmx_json *item,
                                 dmx_error *err)
{
    const char *name = dmx_json_text_of(item);
    if (!dmx_engine_precision_find(&r->options.precision, name))
        return bad(item->string, "exact, int16 or int8", err);
    return DMX_OK;
}

/* A list of "int16" and "int8". */
static dmx_status take_numbers(bool out[DMX_NUMBERS], const dmx_json *item,
                               dmx_error *err)
{
    const dmx_json *name;
    if (!dmx_json_is_array(item))
        return bad(item->string, "a list of int16 and int8", err);
    DMX_JSON_EACH (name, item) {
        dmx_engine_precision p;
        if (!dmx_engine_precision_find(&p, dmx_json_text_of(name)) ||
            p == DMX_ENGINE_EXACT)
            return bad(item->string, "a list of int16 and int8", err);
        out[p == DMX_ENGINE_INT16 ? DMX_INT16 : DMX_INT8] = true;
    }
    return DMX_OK;
}

static dmx_status take_integers(const dmx_json *item, dmx_error *err)
{
    bool faster[DMX_NUMBERS] = {false};
    DMX_FORWARD(take_numbers(faster, item, err));
    web_set_integers(faster);
    return DMX_OK;
}

static dmx_status take_unusable(const dmx_json *item, dmx_error *err)
{
    bool wrong[DMX_NUMBERS] = {false};
    DMX_FORWARD(take_numbers(wrong, item, err));
    web_forbid_integers(wrong);
    return DMX_OK;
}

static dmx_status take_low_memory(const dmx_json *item, dmx_error *err)
{
    if (!dmx_json_is_bool(item))
        return bad(item->string, "true or false", err);
    web_set_low_memory(dmx_json_is_true(item));
    return DMX_OK;
}

/* A key that has a separator's option of its own. */
static dmx_status take_option(request *r, const dmx_json *item, dmx_error *err)
{
    dmx_separator_options *o = &r->options;
    const char *key = item->string;
    if (strcmp(key, "segment") == 0)
        return take_number(&o->segment, item, 0, 3600, err);
    if (strcmp(key, "overlap") == 0)
        return take_number(&o->overlap, item, 0, 0.99, err);
    if (strcmp(key, "transition_power") == 0)
        return take_number(&o->transition_power, item, 1, 32, err);
    if (strcmp(key, "shifts") == 0)
        return take_int(&o->shifts, item, 100, err);
    if (strcmp(key, "threads") == 0)
        return take_int(&o->threads, item, 1024, err);
    if (strcmp(key, "seed") == 0)
        return take_seed(&o->seed, item, err);
    if (strcmp(key, "stems") == 0)
        return take_stems(r, item, err);
    if (strcmp(key, "precision") == 0)
        return take_precision(r, item, err);
    if (strcmp(key, "integers") == 0)
        return take_integers(item, err);
    if (strcmp(key, "unusable") == 0)
        return take_unusable(item, err);
    if (strcmp(key, "low_memory") == 0)
        return take_low_memory(item, err);
    DMX_RETURN_ERROR(err, DMX_ERROR_ARGUMENT, "options: unknown '%s'", key);
}

/* ------------------------------------------------------------------ bag */

static dmx_status take_weights(struct dmx_bag *bag, const dmx_json *weights,
                               dmx_error *err)
{
    size_t at = 0;
    const dmx_json *row, *value;
    DMX_JSON_EACH (row, weights) {
        if ((size_t)dmx_json_count(row) != bag->n_source)
            return bad("weights", "rows of one number a source", err);
        DMX_JSON_EACH (value, row) {
            if (!dmx_json_is_number(value))
                return bad("weights", "rows of numbers", err);
            bag->weight[at++] = value->valuedouble;
        }
    }
    return DMX_OK;
}

static dmx_status make_bag(request *r, dmx_error *err)
{
    const dmx_json *models = dmx_json_get(r->json, "models");
    const dmx_json *weights = dmx_json_get(r->json, "weights");
    const int count = dmx_json_count(models);
    if (!dmx_json_is_array(models) || count == 0)
        return bad("models", "a list of files", err);
    if (dmx_json_is_null(weights))
        weights = NULL;
    if (weights != NULL && dmx_json_count(weights) != count)
        return bad("weights", "one row a model", err);
    const int columns = dmx_json_count(dmx_json_item(weights, 0));
    DMX_FORWARD(
        dmx_bag_new(&r->bag, "model", (size_t)count, (size_t)columns, err));
    for (int i = 0; i < count; i++) {
        const char *name = dmx_json_text_of(dmx_json_item(models, i));
        if (name == NULL)
            return bad("models", "a list of files", err);
        r->bag->path[i] = dmx_arena_strndup(&r->bag->arena, name, strlen(name));
        DMX_RETURN_IF(r->bag->path[i] == NULL, err, DMX_ERROR_MEMORY,
                      "no memory");
    }
    return take_weights(r->bag, weights, err);
}

/* ----------------------------------------------------------------- open */

static dmx_status read_request(request *r, const char *text, dmx_error *err)
{
    r->json = dmx_json_read(text);
    DMX_RETURN_IF(!dmx_json_is_object(r->json), err, DMX_ERROR_ARGUMENT,
                  "options: not a JSON object");
    web_set_low_memory(0);
    const dmx_json *item;
    DMX_JSON_EACH (item, r->json)
        if (strcmp(item->string, "models") != 0 &&
            strcmp(item->string, "weights") != 0 &&
            strcmp(item->string, "graphs") != 0)
            DMX_FORWARD(take_option(r, item, err));
    web_set_graphs(dmx_json_get(r->json, "graphs"));
    r->options.backend = dmx_json_get(r->json, "graphs") != NULL
                             ? DMX_BACKEND_ONNXRUNTIME
                             : DMX_BACKEND_NATIVE;
    return make_bag(r, err);
}

dmx_separator *web_open(const char *text)
{
    const dmx_hooks hooks = web_hooks();
    request r = {.options = DMX_SEPARATOR_OPTIONS_INIT};
    r.options.hooks = &hooks;
    r.options.choices = "precision";
    dmx_separator *separator = NULL;
    error = (dmx_error)DMX_ERROR_INIT;
    dmx_status status = read_request(&r, text, &error);
    if (status == DMX_OK)
        status = dmx_separator_open(&separator, r.bag, &r.options, &error);
    web_set_graphs(NULL);
    dmx_bag_close(r.bag);
    free(r.stems);
    dmx_json_free(r.json);
    return status == DMX_OK ? separator : NULL;
}

void web_close(dmx_separator *separator)
{
    dmx_separator_close(separator);
}

/* ------------------------------------------------------------- describe */

static bool add_names(dmx_json *object, const char *key, size_t count,
                      const char *(*name)(const dmx_separator *, size_t),
                      const dmx_separator *separator)
{
    dmx_json *array = dmx_json_add_array(object, key);
    bool fine = array != NULL;
    for (size_t i = 0; fine && i < count; i++)
        fine = dmx_json_append(array, dmx_json_new_string(name(separator, i)));
    return fine;
}

static bool add_numbers(dmx_json *object, const dmx_separator *s)
{
    return dmx_json_add_number(object, "channels",
                               (double)dmx_separator_channels(s)) != NULL &&
           dmx_json_add_number(object, "sample_rate",
                               (double)dmx_separator_samplerate(s)) != NULL &&
           dmx_json_add_number(object, "segment",
                               (double)dmx_separator_samples(s)) != NULL &&
           dmx_json_add_number(object, "threads", dmx_cpu_count()) != NULL &&
           dmx_json_add_string(object, "isa", dmx_kernels_name(0)) != NULL;
}

static bool add_precision(dmx_json *object, const dmx_separator *s)
{
    if (s->each.precision == DMX_ENGINE_EXACT)
        return true;
    char *text = dmx_separator_precision_json(s);
    dmx_json *list = text != NULL ? dmx_json_read(text) : NULL;
    dmx_free(text);
    return dmx_json_add(object, "precision", list);
}

char *web_describe(const dmx_separator *s)
{
    dmx_json *object = dmx_json_new(DMX_JSON_OBJECT);
    const bool fine = add_names(object, "stems", dmx_separator_stems(s),
                                dmx_separator_stem, s) &&
                      add_names(object, "sources", dmx_separator_sources(s),
                                dmx_separator_source, s) &&
                      add_numbers(object, s) && add_precision(object, s);
    char *text = fine ? dmx_json_print_compact(object) : NULL;
    dmx_json_free(object);
    return text;
}
