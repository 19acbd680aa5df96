/* Bag files: YAML, JSON being a subset of what bags use. */
#include "hub/bag.h"

#include "base/json.h"
#include "base/number.h"
#include "base/yaml.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* The state of reading a bag: the file's contents and the result. */
typedef struct reader {
    const char *name;
    const dmx_json *models, *weights; /* weights: NULL without a matrix */
    double segment;
    size_t n_member, n_source;
    dmx_error *err;
} reader;

static dmx_status bad(const reader *r, const char *what)
{
    return dmx_fail(r->err, DMX_ERROR_FORMAT,
                    "%s: %s; expected a bag of models, such as "
                    "\"models: ['955717e8']\"",
                    r->name, what);
}

static bool is_null(const dmx_json *value)
{
    const char *text = dmx_json_text_of(value);
    return text != NULL && (text[0] == '\0' || strcmp(text, "~") == 0 ||
                            strcasecmp(text, "null") == 0);
}

/* *out: the value of a key, NULL where it is missing or null. */
static dmx_status take(const dmx_json **out, const reader *r,
                       const dmx_json *root, const char *key)
{
    const dmx_json *item;
    *out = NULL;
    DMX_JSON_EACH (item, root) {
        if (strcmp(item->string, key) != 0)
            continue;
        if (*out != NULL)
            return bad(r, "a key appears twice");
        *out = item;
    }
    if (is_null(*out))
        *out = NULL;
    return DMX_OK;
}

static dmx_status number(const reader *r, double *out, const dmx_json *value)
{
    const char *text = dmx_json_text_of(value);
    if (text == NULL)
        return bad(r, "a list where a number should be");
    return dmx_number_parse(out, text) && isfinite(*out)
               ? DMX_OK
               : bad(r, "not a number");
}

static dmx_status check_models(reader *r)
{
    const dmx_json *item;
    if (r->models == NULL)
        return bad(r, "no 'models'");
    if (!dmx_json_is_array(r->models))
        return bad(r, "'models' is not a list");
    DMX_JSON_EACH (item, r->models) {
        const char *text = dmx_json_text_of(item);
        if (text == NULL || !dmx_is_file_name(text))
            return bad(r, "not the name of a model");
        DMX_RETURN_IF(r->n_member++ == DMX_BAG_MEMBERS, r->err, DMX_ERROR_LIMIT,
                      "%s: more than %d models", r->name, DMX_BAG_MEMBERS);
    }
    return r->n_member > 0 ? DMX_OK : bad(r, "'models' is empty");
}

/* Checks that the matrix has a row for each model, all of the same length. */
static dmx_status check_shape(reader *r)
{
    const dmx_json *row;
    size_t rows = 0;
    if (r->weights == NULL)
        return DMX_OK;
    if (!dmx_json_is_array(r->weights))
        return bad(r, "'weights' is not a list");
    DMX_JSON_EACH (row, r->weights) {
        if (!dmx_json_is_array(row))
            return bad(r, "a row of 'weights' is not a list");
        const size_t columns = (size_t)dmx_json_count(row);
        if (columns == 0 || (rows++ > 0 && columns != r->n_source))
            return bad(r, "rows of 'weights' differ in length");
        DMX_RETURN_IF(columns > DMX_BAG_SOURCES, r->err, DMX_ERROR_LIMIT,
                      "%s: more than %d weights in a row", r->name,
                      DMX_BAG_SOURCES);
        r->n_source = columns;
    }
    DMX_RETURN_IF(rows > 0 && rows != r->n_member, r->err, DMX_ERROR_FORMAT,
                  "%s: %zu rows of weights for %zu models", r->name, rows,
                  r->n_member);
    return DMX_OK;
}

static dmx_status read_segment(reader *r, const dmx_json *value)
{
    if (value == NULL)
        return DMX_OK;
    DMX_FORWARD(number(r, &r->segment, value));
    return r->segment > 0 && r->segment <= 3600
               ? DMX_OK
               : bad(r, "'segment' is not a length in seconds");
}

static dmx_status fill_weights(const reader *r, double *out)
{
    const dmx_json *row, *item;
    DMX_JSON_EACH (row, r->weights) {
        DMX_JSON_EACH (item, row) {
            DMX_FORWARD(number(r, out++, item));
        }
    }
    return DMX_OK;
}

static dmx_status check_sums(const reader *r, const struct dmx_bag *bag)
{
    for (size_t s = 0; s < bag->n_source; s++) {
        double sum = 0;
        for (size_t m = 0; m < bag->n_member; m++)
            sum += bag->weight[m * bag->n_source + s];
        DMX_RETURN_IF(!isfinite(sum) || fabs(sum) < 1e-9, r->err,
                      DMX_ERROR_FORMAT,
                      "%s: the weights of source %zu add up to %g: nothing "
                      "would be left of it",
                      r->name, s, sum);
    }
    return DMX_OK;
}

static dmx_status fill(struct dmx_bag *bag, const reader *r)
{
    const dmx_json *item;
    size_t m = 0;
    char *dot = strrchr(bag->name, '.');
    if (dot != NULL && dot != bag->name)
        *dot = '\0';
    bag->segment = r->segment;
    DMX_JSON_EACH (item, r->models) {
        const char *text = item->valuestring;
        bag->signature[m] = dmx_arena_strndup(&bag->arena, text, strlen(text));
        DMX_RETURN_IF(bag->signature[m++] == NULL, r->err, DMX_ERROR_MEMORY,
                      "%s: no memory", r->name);
    }
    DMX_FORWARD(fill_weights(r, bag->weight));
    return check_sums(r, bag);
}

static dmx_status build(struct dmx_bag **out, reader *r, const dmx_json *root)
{
    const dmx_json *segment = NULL;
    if (!dmx_json_is_object(root))
        return bad(r, "not a mapping");
    DMX_FORWARD(take(&r->models, r, root, "models"));
    DMX_FORWARD(take(&r->weights, r, root, "weights"));
    DMX_FORWARD(take(&segment, r, root, "segment"));
    DMX_FORWARD(check_models(r));
    DMX_FORWARD(check_shape(r));
    DMX_FORWARD(read_segment(r, segment));
    DMX_FORWARD(dmx_bag_new(out, r->name, r->n_member, r->n_source, r->err));
    const dmx_status status = fill(*out, r);
    if (status != DMX_OK) {
        dmx_bag_close(*out);
        *out = NULL;
    }
    return status;
}

dmx_status dmx_bag_parse(struct dmx_bag **out, const void *text, size_t size,
                         const char *name, dmx_error *err)
{
    dmx_json *root;
    reader r = {.name = name, .err = err};
    *out = NULL;
    DMX_RETURN_IF(size > DMX_BAG_FILE_BYTES, err, DMX_ERROR_LIMIT,
                  "%s: %zu bytes are too many for a bag of models", name, size);
    DMX_FORWARD(dmx_yaml_read_text(&root, text, size, name, err));
    const dmx_status status = build(out, &r, root);
    dmx_json_free(root);
    return status;
}
