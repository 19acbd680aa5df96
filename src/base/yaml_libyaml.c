/* libyaml's events to JSON values. */
#include "base/number.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define MAX_DEPTH  32
#define MAX_EVENTS 100000

/* A YAML document being turned into JSON: the stack of open collections. */
typedef struct yaml_reader {
    dmx_json *open[MAX_DEPTH];
    char *key[MAX_DEPTH]; /* pending key of a mapping, or NULL */
    int depth;
    dmx_json *root;
} yaml_reader;

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

static dmx_json *scalar(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return plain_scalar(text);
    return dmx_json_new_string(text);
}

/* Puts a value into the innermost open collection, or makes it the root. */
static bool attach(yaml_reader *r, dmx_json *value)
{
    if (value == NULL)
        return false;
    bool done;
    if (r->depth == 0) {
        done = r->root == NULL;
        if (done)
            r->root = value;
    } else if (dmx_json_is_array(r->open[r->depth - 1])) {
        done = dmx_json_append(r->open[r->depth - 1], value);
    } else {
        char **key = &r->key[r->depth - 1];
        done = *key != NULL && dmx_json_add(r->open[r->depth - 1], *key, value);
        free(*key);
        *key = NULL;
    }
    if (!done)
        dmx_json_free(value);
    return done;
}

static bool open_collection(yaml_reader *r, dmx_json *value)
{
    if (r->depth >= MAX_DEPTH) {
        dmx_json_free(value);
        return false;
    }
    if (!attach(r, value))
        return false;
    r->key[r->depth] = NULL;
    r->open[r->depth++] = value;
    return true;
}

static bool take_scalar(yaml_reader *r, const yaml_event_t *event)
{
    char **key = r->depth > 0 && dmx_json_is_object(r->open[r->depth - 1])
                     ? &r->key[r->depth - 1]
                     : NULL;
    if (key != NULL && *key == NULL) {
        *key = strdup((const char *)event->data.scalar.value);
        return *key != NULL;
    }
    return attach(r, scalar(event));
}

static bool take_event(yaml_reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(r, event);
    case YAML_MAPPING_START_EVENT:
        return open_collection(r, dmx_json_new(DMX_JSON_OBJECT));
    case YAML_SEQUENCE_START_EVENT:
        return open_collection(r, dmx_json_new(DMX_JSON_ARRAY));
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        free(r->key[--r->depth]);
        r->key[r->depth] = NULL;
        return true;
    case YAML_ALIAS_EVENT: /* could grow without bound */
        return false;
    default:
        return true;
    }
}

/* All events, up to the end; false when there is none. */
static bool read_events(yaml_reader *r, yaml_parser_t *parser)
{
    bool good = true, end = false;
    for (int n = 0; good && !end && n < MAX_EVENTS; n++) {
        yaml_event_t event;
        good = yaml_parser_parse(parser, &event) != 0;
        if (good) {
            good = take_event(r, &event);
            end = event.type == YAML_STREAM_END_EVENT;
            yaml_event_delete(&event);
        }
    }
    while (r->depth > 0)
        free(r->key[--r->depth]);
    return good && end && r->root != NULL;
}

dmx_status dmx_yaml_read(dmx_json **out, const void *text, size_t size,
                         const char *name, dmx_error *err)
{
    yaml_reader r = {.depth = 0};
    yaml_parser_t parser;
    *out = NULL;
    DMX_RETURN_IF(yaml_parser_initialize(&parser) == 0, err, DMX_ERROR_MEMORY,
                  "%s: no memory", name);
    yaml_parser_set_input_string(&parser, text, size);
    const bool good = read_events(&r, &parser);
    yaml_parser_delete(&parser);
    if (!good)
        dmx_json_free(r.root);
    DMX_RETURN_IF(!good, err, DMX_ERROR_FORMAT, "%s: neither JSON nor YAML",
                  name);
    *out = r.root;
    return DMX_OK;
}
