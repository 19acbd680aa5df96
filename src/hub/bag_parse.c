/* Bag files: YAML by libyaml's events, JSON being a subset of what bags use. */
#include "hub/bag.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#define MAX_EVENTS 20000
#define MAX_DEPTH  16

enum { KEY_MODELS = 1, KEY_WEIGHTS = 2, KEY_SEGMENT = 4 };

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    size_t n_event;
    const char *name;
    dmx_error *err;
    unsigned seen; /* KEY_... */
    char *signature[DMX_BAG_MEMBERS];
    size_t n_signature;
    double weight[DMX_BAG_MEMBERS][DMX_BAG_SOURCES];
    size_t n_row, n_column;
    double segment;
} reader;

static dmx_status bad(const reader *r, const char *what)
{
    return dmx_fail_at(r->err, DMX_ERROR_FORMAT,
                       (int64_t)r->event.start_mark.index,
                       "%s: line %zu: %s; expected a bag of models, such as "
                       "\"models: ['955717e8']\"",
                       r->name, r->event.start_mark.line + 1, what);
}

static dmx_status parser_error(const reader *r)
{
    if (r->parser.error == YAML_MEMORY_ERROR)
        return dmx_fail(r->err, DMX_ERROR_MEMORY, "%s: no memory", r->name);
    return dmx_fail_at(
        r->err, DMX_ERROR_FORMAT, (int64_t)r->parser.problem_offset,
        "%s: line %zu: not YAML: %s", r->name, r->parser.problem_mark.line + 1,
        r->parser.problem != NULL ? r->parser.problem : "?");
}

static bool is_anchored(const yaml_event_t *e)
{
    return e->type == YAML_ALIAS_EVENT ||
           (e->type == YAML_SCALAR_EVENT && e->data.scalar.anchor != NULL) ||
           (e->type == YAML_SEQUENCE_START_EVENT &&
            e->data.sequence_start.anchor != NULL) ||
           (e->type == YAML_MAPPING_START_EVENT &&
            e->data.mapping_start.anchor != NULL);
}

static dmx_status next(reader *r)
{
    yaml_event_delete(&r->event);
    memset(&r->event, 0, sizeof r->event);
    if (yaml_parser_parse(&r->parser, &r->event) == 0)
        return parser_error(r);
    DMX_RETURN_IF(++r->n_event > MAX_EVENTS, r->err, DMX_ERROR_LIMIT,
                  "%s: more than %d items", r->name, MAX_EVENTS);
    /* An alias can make a small file expand to a huge one. */
    return is_anchored(&r->event) ? bad(r, "anchors and aliases are refused")
                                  : DMX_OK;
}

static dmx_status expect(reader *r, yaml_event_type_t type, const char *what)
{
    DMX_FORWARD(next(r));
    return r->event.type == type ? DMX_OK : bad(r, what);
}

static const char *scalar(const reader *r)
{
    return (const char *)r->event.data.scalar.value;
}

static bool is_plain_null(const reader *r)
{
    const char *text = scalar(r);
    return r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text[0] == '\0' || strcmp(text, "~") == 0 ||
            strcasecmp(text, "null") == 0);
}

/* The number in the current event. */
static dmx_status number(const reader *r, double *value)
{
    if (r->event.type != YAML_SCALAR_EVENT)
        return bad(r, "a list where a number should be");
    const bool fine = strlen(scalar(r)) == r->event.data.scalar.length &&
                      dmx_number_parse(value, scalar(r));
    return fine && isfinite(*value) ? DMX_OK : bad(r, "not a number");
}

/* The rest of the node that the current event starts. */
static dmx_status skip(reader *r)
{
    int depth = 0;
    for (;;) {
        const yaml_event_type_t type = r->event.type;
        if (type == YAML_MAPPING_START_EVENT ||
            type == YAML_SEQUENCE_START_EVENT)
            depth++;
        else if (type == YAML_MAPPING_END_EVENT ||
                 type == YAML_SEQUENCE_END_EVENT)
            depth--;
        if (depth == 0)
            return DMX_OK;
        DMX_RETURN_IF(depth > MAX_DEPTH, r->err, DMX_ERROR_LIMIT,
                      "%s: nested more than %d deep", r->name, MAX_DEPTH);
        DMX_FORWARD(next(r));
    }
}

static dmx_status read_models(reader *r)
{
    if (r->event.type != YAML_SEQUENCE_START_EVENT)
        return bad(r, "'models' is not a list");
    for (;;) {
        DMX_FORWARD(next(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return r->n_signature > 0 ? DMX_OK : bad(r, "'models' is empty");
        if (r->event.type != YAML_SCALAR_EVENT ||
            strlen(scalar(r)) != r->event.data.scalar.length ||
            !dmx_is_file_name(scalar(r)))
            return bad(r, "not the name of a model");
        DMX_RETURN_IF(r->n_signature == DMX_BAG_MEMBERS, r->err,
                      DMX_ERROR_LIMIT, "%s: more than %d models", r->name,
                      DMX_BAG_MEMBERS);
        char *copy = strdup(scalar(r));
        DMX_RETURN_IF(copy == NULL, r->err, DMX_ERROR_MEMORY, "%s: no memory",
                      r->name);
        r->signature[r->n_signature++] = copy;
    }
}

static dmx_status read_row(reader *r)
{
    if (r->event.type != YAML_SEQUENCE_START_EVENT)
        return bad(r, "a row of 'weights' is not a list");
    DMX_RETURN_IF(r->n_row == DMX_BAG_MEMBERS, r->err, DMX_ERROR_LIMIT,
                  "%s: more than %d rows of weights", r->name, DMX_BAG_MEMBERS);
    size_t column = 0;
    for (;; column++) {
        DMX_FORWARD(next(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        DMX_RETURN_IF(column == DMX_BAG_SOURCES, r->err, DMX_ERROR_LIMIT,
                      "%s: more than %d weights in a row", r->name,
                      DMX_BAG_SOURCES);
        DMX_FORWARD(number(r, &r->weight[r->n_row][column]));
    }
    if (column == 0 || (r->n_row > 0 && column != r->n_column))
        return bad(r, "rows of 'weights' differ in length");
    r->n_column = column;
    r->n_row++;
    return DMX_OK;
}

static dmx_status read_weights(reader *r)
{
    if (r->event.type == YAML_SCALAR_EVENT && is_plain_null(r))
        return DMX_OK;
    if (r->event.type != YAML_SEQUENCE_START_EVENT)
        return bad(r, "'weights' is not a list");
    for (;;) {
        DMX_FORWARD(next(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return DMX_OK;
        DMX_FORWARD(read_row(r));
    }
}

static dmx_status read_segment(reader *r)
{
    if (r->event.type == YAML_SCALAR_EVENT && is_plain_null(r))
        return DMX_OK;
    DMX_FORWARD(number(r, &r->segment));
    return r->segment > 0 && r->segment <= 3600
               ? DMX_OK
               : bad(r, "'segment' is not a length in seconds");
}

static dmx_status read_value(reader *r, unsigned key)
{
    if ((r->seen & key) != 0)
        return bad(r, "a key appears twice");
    r->seen |= key;
    DMX_FORWARD(next(r));
    switch (key) {
    case KEY_MODELS:
        return read_models(r);
    case KEY_WEIGHTS:
        return read_weights(r);
    case KEY_SEGMENT:
        return read_segment(r);
    default:
        return skip(r);
    }
}

static unsigned key_of(const char *text)
{
    if (strcmp(text, "models") == 0)
        return KEY_MODELS;
    if (strcmp(text, "weights") == 0)
        return KEY_WEIGHTS;
    return strcmp(text, "segment") == 0 ? KEY_SEGMENT : 0;
}

static dmx_status read_document(reader *r)
{
    DMX_FORWARD(expect(r, YAML_STREAM_START_EVENT, "no text"));
    DMX_FORWARD(expect(r, YAML_DOCUMENT_START_EVENT, "the file is empty"));
    DMX_FORWARD(expect(r, YAML_MAPPING_START_EVENT, "not a mapping"));
    for (;;) {
        DMX_FORWARD(next(r));
        if (r->event.type == YAML_MAPPING_END_EVENT)
            break;
        if (r->event.type != YAML_SCALAR_EVENT)
            return bad(r, "a key that is not text");
        DMX_FORWARD(read_value(r, key_of(scalar(r))));
    }
    DMX_FORWARD(expect(r, YAML_DOCUMENT_END_EVENT, "text after the mapping"));
    return expect(r, YAML_STREAM_END_EVENT, "a second document");
}

static dmx_status check(const reader *r)
{
    if ((r->seen & KEY_MODELS) == 0)
        return bad(r, "no 'models'");
    DMX_RETURN_IF(r->n_row > 0 && r->n_row != r->n_signature, r->err,
                  DMX_ERROR_FORMAT, "%s: %zu rows of weights for %zu models",
                  r->name, r->n_row, r->n_signature);
    for (size_t s = 0; s < r->n_column; s++) {
        double sum = 0;
        for (size_t m = 0; m < r->n_row; m++)
            sum += r->weight[m][s];
        DMX_RETURN_IF(!isfinite(sum) || fabs(sum) < 1e-9, r->err,
                      DMX_ERROR_FORMAT,
                      "%s: the weights of source %zu add up to %g: nothing "
                      "would be left of it",
                      r->name, s, sum);
    }
    return DMX_OK;
}

static dmx_status build(struct dmx_bag **out, const reader *r)
{
    DMX_FORWARD(dmx_bag_new(out, r->name, r->n_signature, r->n_column, r->err));
    struct dmx_bag *bag = *out;
    char *dot = strrchr(bag->name, '.');
    if (dot != NULL && dot != bag->name)
        *dot = '\0';
    bag->segment = r->segment;
    for (size_t m = 0; m < bag->n_member; m++) {
        const char *text = r->signature[m];
        bag->signature[m] = dmx_arena_strndup(&bag->arena, text, strlen(text));
        if (bag->signature[m] == NULL) {
            dmx_bag_close(bag);
            *out = NULL;
            DMX_RETURN_ERROR(r->err, DMX_ERROR_MEMORY, "%s: no memory",
                             r->name);
        }
        for (size_t s = 0; s < bag->n_source; s++)
            bag->weight[m * bag->n_source + s] = r->weight[m][s];
    }
    return DMX_OK;
}

static void close_reader(reader *r)
{
    yaml_event_delete(&r->event);
    yaml_parser_delete(&r->parser);
    for (size_t i = 0; i < r->n_signature; i++)
        free(r->signature[i]);
    free(r);
}

static dmx_status parse(struct dmx_bag **out, reader *r)
{
    DMX_FORWARD(read_document(r));
    DMX_FORWARD(check(r));
    return build(out, r);
}

dmx_status dmx_bag_parse(struct dmx_bag **out, const void *text, size_t size,
                         const char *name, dmx_error *err)
{
    *out = NULL;
    DMX_RETURN_IF(size > DMX_BAG_FILE_BYTES, err, DMX_ERROR_LIMIT,
                  "%s: %zu bytes are too many for a bag of models", name, size);
    reader *r = calloc(1, sizeof *r);
    if (r == NULL || yaml_parser_initialize(&r->parser) == 0) {
        free(r);
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "%s: no memory", name);
    }
    r->name = name;
    r->err = err;
    yaml_parser_set_input_string(&r->parser, text, size);
    const dmx_status status = parse(out, r);
    close_reader(r);
    return status;
}
