/* JSON and YAML files of constructor arguments. */
#include "arch/arguments.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define MAX_FILE_BYTES ((size_t)1 << 20)
#define MAX_DEPTH      32
#define MAX_EVENTS     100000

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
    char *end;
    const double number = strtod(text, &end);
    if (*end == '\0' && strspn(text, "+-.0123456789eE") == strlen(text))
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

static dmx_json *parse_yaml(const dmx_blob *blob)
{
    yaml_reader r = {.depth = 0};
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0)
        return NULL;
    yaml_parser_set_input_string(&parser, blob->data, blob->size);
    bool good = true, end = false;
    for (int n = 0; good && !end && n < MAX_EVENTS; n++) {
        yaml_event_t event;
        good = yaml_parser_parse(&parser, &event) != 0;
        if (good) {
            good = take_event(&r, &event);
            end = event.type == YAML_STREAM_END_EVENT;
            yaml_event_delete(&event);
        }
    }
    while (r.depth > 0)
        free(r.key[--r.depth]);
    yaml_parser_delete(&parser);
    if (!good || !end) {
        dmx_json_free(r.root);
        r.root = NULL;
    }
    return r.root;
}

/* What training repositories keep outside the model's own section. */
static bool take_training(dmx_json *arguments, const dmx_json *training)
{
    static const char *const names[][2] = {
        {"instruments", "sources"},
        {"channels", "audio_channels"},
        {"samplerate", "samplerate"},
        {"segment", "segment"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const dmx_json *item = dmx_json_get(training, names[i][0]);
        if (item == NULL || dmx_json_get(arguments, names[i][1]))
            continue;
        dmx_json *copy = dmx_json_copy(item);
        if (copy == NULL || !dmx_json_add(arguments, names[i][1], copy)) {
            dmx_json_free(copy);
            return false;
        }
    }
    return true;
}

/* A community trainer's own HTDemucs has two arguments more, of which one
 * must have its usual value, and one default of its own: input is not padded
 * to the training segment.
 * Source: models/demucs4ht.py of Music-Source-Separation-Training. */
static dmx_status take_variant(dmx_json *arguments, const char *path,
                               dmx_error *err)
{
    const dmx_json *bands = dmx_json_get(arguments, "num_subbands");
    DMX_RETURN_IF(dmx_json_is_number(bands) && bands->valuedouble != 1.0, err,
                  DMX_ERROR_UNSUPPORTED,
                  "%s: num_subbands = %g is not "
                  "supported, only 1",
                  path, bands->valuedouble);
    dmx_json_remove(arguments, "num_subbands");
    DMX_RETURN_IF(
        dmx_json_get(arguments, "use_train_segment") == NULL &&
            dmx_json_add_bool(arguments, "use_train_segment", false) == NULL,
        err, DMX_ERROR_MEMORY, "%s: no memory", path);
    return DMX_OK;
}

static dmx_status pick_section(dmx_json **out, dmx_json *root, const char *path,
                               const char *section, dmx_error *err)
{
    dmx_json *part = dmx_json_get(root, section);
    const dmx_json *training = dmx_json_get(root, "training");
    if (part == NULL)
        part = dmx_json_get(root, "kwargs");
    *out = dmx_json_copy(dmx_json_is_object(part) ? part : root);
    DMX_RETURN_IF(*out == NULL || (dmx_json_is_object(part) &&
                                   dmx_json_is_object(training) &&
                                   !take_training(*out, training)),
                  err, DMX_ERROR_MEMORY, "%s: no memory", path);
    return dmx_json_get(training, "instruments") != NULL &&
                   strcmp(section, "htdemucs") == 0
               ? take_variant(*out, path, err)
               : DMX_OK;
}

dmx_status dmx_arguments_read_file(dmx_json **out, const char *path,
                                   const char *section, dmx_error *err)
{
    dmx_blob blob;
    *out = NULL;
    DMX_FORWARD(dmx_file_read(&blob, path, MAX_FILE_BYTES, err));
    dmx_json *root = dmx_json_read_bytes((const char *)blob.data, blob.size);
    if (root == NULL)
        root = parse_yaml(&blob);
    dmx_blob_free(&blob);
    dmx_status status = DMX_OK;
    if (!dmx_json_is_object(root))
        status = dmx_fail(err, DMX_ERROR_FORMAT,
                          "%s: not a JSON or YAML file of arguments", path);
    else
        status = pick_section(out, root, path, section, err);
    dmx_json_free(root);
    if (status != DMX_OK) {
        dmx_json_free(*out);
        *out = NULL;
    }
    return status;
}
