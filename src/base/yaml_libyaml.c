/* Converts libyaml's events to JSON values. */
#include "base/number.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define MAX_DEPTH  32
#define MAX_EVENTS 100000

/* A YAML document being turned into JSON: the stack of open collections. */
typedef struct yaml_reader {
    yaml_parser_t parser;
    const char *name; /* of the file, for messages */
    dmx_error *err;
    bool as_text; /* scalars are not resolved */
    int documents;
    dmx_json *open[MAX_DEPTH];
    char *key[MAX_DEPTH]; /* pending key of a mapping, or NULL */
    int depth;
    dmx_json *root;
} yaml_reader;

static dmx_status bad(const yaml_reader *r, const yaml_event_t *e,
                      const char *what)
{
    return dmx_fail_at(r->err, DMX_ERROR_FORMAT, (int64_t)e->start_mark.index,
                       "%s: line %zu: %s", r->name, e->start_mark.line + 1,
                       what);
}

static dmx_status no_memory(const yaml_reader *r)
{
    return dmx_fail(r->err, DMX_ERROR_MEMORY, "%s: no memory", r->name);
}

static dmx_status parser_error(const yaml_reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return no_memory(r);
    return dmx_fail_at(r->err, DMX_ERROR_FORMAT, (int64_t)p->problem_offset,
                       "%s: line %zu: not YAML: %s", r->name,
                       p->problem_mark.line + 1,
                       p->problem != NULL ? p->problem : "?");
}

/* Plain scalars as YAML 1.1 resolves them; anything else is a string. */
static dmx_json *plain_scalar(const char *text)
{
    static const char *const words[][3] = {
        {"null", "Null", "NULL"}, {"~", "", "~"},
        {"true", "True", "TRUE"}, {"yes", "Yes", "YES"},
        {"on", "On", "ON"},       {"false", "False", "FALSE"},
        {"no", "No", "NO"},       {"off", "Off", "OFF"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (size_t k = 0; k < 3; k++)
            if (strcmp(text, words[i][k]) == 0)
                return i < 2   ? dmx_json_new(DMX_JSON_NULL)
                       : i < 5 ? dmx_json_new(DMX_JSON_TRUE)
                               : dmx_json_new(DMX_JSON_FALSE);
    double number;
    const bool plus = text[0] == '+' && text[1] != '-';
    if (dmx_number_parse(&number, plus ? text + 1 : text))
        return dmx_json_new_number(number);
    return dmx_json_new_string(text);
}

static dmx_json *scalar(const yaml_reader *r, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (!r->as_text && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return plain_scalar(text);
    return dmx_json_new_string(text);
}

/* The innermost open collection, or NULL. */
static dmx_json *innermost(const yaml_reader *r)
{
    return r->depth > 0 ? r->open[r->depth - 1] : NULL;
}

/* Does the next node of a mapping have to be a key? */
static bool wants_key(const yaml_reader *r)
{
    return dmx_json_is_object(innermost(r)) && r->key[r->depth - 1] == NULL;
}

/* Adds a value to the innermost open collection, or makes it the root. */
static dmx_status attach(yaml_reader *r, dmx_json *value)
{
    bool done = value != NULL;
    if (done && r->depth == 0) {
        r->root = value;
    } else if (done && dmx_json_is_array(innermost(r))) {
        done = dmx_json_append(innermost(r), value);
    } else if (done) {
        char **key = &r->key[r->depth - 1];
        done = dmx_json_add(innermost(r), *key, value);
        free(*key);
        *key = NULL;
    }
    if (done)
        return DMX_OK;
    dmx_json_free(value);
    return no_memory(r);
}

static dmx_status open_collection(yaml_reader *r, const yaml_event_t *event,
                                  dmx_json_type type)
{
    if (wants_key(r))
        return bad(r, event, "a key that is not text");
    DMX_RETURN_IF(r->depth == MAX_DEPTH, r->err, DMX_ERROR_LIMIT,
                  "%s: nested more than %d deep", r->name, MAX_DEPTH);
    dmx_json *value = dmx_json_new(type);
    DMX_FORWARD(attach(r, value));
    r->key[r->depth] = NULL;
    r->open[r->depth++] = value;
    return DMX_OK;
}

static dmx_status take_scalar(yaml_reader *r, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (strlen(text) != event->data.scalar.length)
        return bad(r, event, "a zero byte in a text");
    if (!wants_key(r))
        return attach(r, scalar(r, event));
    r->key[r->depth - 1] = strdup(text);
    return r->key[r->depth - 1] != NULL ? DMX_OK : no_memory(r);
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

static dmx_status take_event(yaml_reader *r, const yaml_event_t *event)
{
    if (is_anchored(event))
        return bad(r, event, "anchors and aliases are refused");
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return r->documents++ == 0 ? DMX_OK
                                   : bad(r, event, "a second document");
    case YAML_SCALAR_EVENT:
        return take_scalar(r, event);
    case YAML_MAPPING_START_EVENT:
        return open_collection(r, event, DMX_JSON_OBJECT);
    case YAML_SEQUENCE_START_EVENT:
        return open_collection(r, event, DMX_JSON_ARRAY);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        r->depth--;
        return DMX_OK;
    default:
        return DMX_OK;
    }
}

/* All events, up to the end. */
static dmx_status read_events(yaml_reader *r)
{
    bool end = false;
    for (int n = 0; !end; n++) {
        DMX_RETURN_IF(n == MAX_EVENTS, r->err, DMX_ERROR_LIMIT,
                      "%s: more than %d items", r->name, MAX_EVENTS);
        yaml_event_t event;
        if (yaml_parser_parse(&r->parser, &event) == 0)
            return parser_error(r);
        const dmx_status status = take_event(r, &event);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        DMX_FORWARD(status);
    }
    DMX_RETURN_IF(r->root == NULL, r->err, DMX_ERROR_FORMAT,
                  "%s: the file is empty", r->name);
    return DMX_OK;
}

static dmx_status read(dmx_json **out, const void *text, size_t size,
                       const char *name, bool as_text, dmx_error *err)
{
    yaml_reader r = {.name = name, .err = err, .as_text = as_text};
    *out = NULL;
    DMX_RETURN_IF(yaml_parser_initialize(&r.parser) == 0, err, DMX_ERROR_MEMORY,
                  "%s: no memory", name);
    yaml_parser_set_input_string(&r.parser, text, size);
    const dmx_status status = read_events(&r);
    yaml_parser_delete(&r.parser);
    while (r.depth > 0)
        free(r.key[--r.depth]);
    if (status == DMX_OK)
        *out = r.root;
    else
        dmx_json_free(r.root);
    return status;
}

dmx_status dmx_yaml_read(dmx_json **out, const void *text, size_t size,
                         const char *name, dmx_error *err)
{
    return read(out, text, size, name, false, err);
}

dmx_status dmx_yaml_read_text(dmx_json **out, const void *text, size_t size,
                              const char *name, dmx_error *err)
{
    return read(out, text, size, name, true, err);
}
