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
    cJSON *open[MAX_DEPTH];
    char *key[MAX_DEPTH]; /* pending key of a mapping, or NULL */
    int depth;
    cJSON *root;
} yaml_reader;

/* Plain scalars as YAML 1.1 resolves them; anything else is a string. */
static cJSON *plain_scalar(const char *text)
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
                return i < 2   ? cJSON_CreateNull()
                       : i < 5 ? cJSON_CreateTrue()
                               : cJSON_CreateFalse();
    char *end;
    const double number = strtod(text, &end);
    if (*end == '\0' && strspn(text, "+-.0123456789eE") == strlen(text))
        return cJSON_CreateNumber(number);
    return cJSON_CreateString(text);
}

static cJSON *scalar(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return plain_scalar(text);
    return cJSON_CreateString(text);
}

/* Puts a value into the innermost open collection, or makes it the root. */
static bool attach(yaml_reader *r, cJSON *value)
{
    if (value == NULL)
        return false;
    bool done;
    if (r->depth == 0) {
        done = r->root == NULL;
        if (done)
            r->root = value;
    } else if (cJSON_IsArray(r->open[r->depth - 1])) {
        done = cJSON_AddItemToArray(r->open[r->depth - 1], value);
    } else {
        char **key = &r->key[r->depth - 1];
        done = *key != NULL &&
               cJSON_AddItemToObject(r->open[r->depth - 1], *key, value);
        free(*key);
        *key = NULL;
    }
    if (!done)
        cJSON_Delete(value);
    return done;
}

static bool open_collection(yaml_reader *r, cJSON *value)
{
    if (r->depth >= MAX_DEPTH) {
        cJSON_Delete(value);
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
    char **key = r->depth > 0 && cJSON_IsObject(r->open[r->depth - 1])
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
        return open_collection(r, cJSON_CreateObject());
    case YAML_SEQUENCE_START_EVENT:
        return open_collection(r, cJSON_CreateArray());
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

static cJSON *parse_yaml(const dmx_blob *blob)
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
        cJSON_Delete(r.root);
        r.root = NULL;
    }
    return r.root;
}

/* What training repositories keep outside the model's own section. */
static bool take_training(cJSON *arguments, const cJSON *training)
{
    static const char *const names[][2] = {
        {"instruments", "sources"},
        {"channels", "audio_channels"},
        {"samplerate", "samplerate"},
        {"segment", "segment"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *item =
            cJSON_GetObjectItemCaseSensitive(training, names[i][0]);
        if (item == NULL ||
            cJSON_GetObjectItemCaseSensitive(arguments, names[i][1]))
            continue;
        cJSON *copy = cJSON_Duplicate(item, 1);
        if (copy == NULL ||
            !cJSON_AddItemToObject(arguments, names[i][1], copy)) {
            cJSON_Delete(copy);
            return false;
        }
    }
    return true;
}

static dmx_status pick_section(cJSON **out, cJSON *root, const char *path,
                               const char *section, dmx_error *err)
{
    cJSON *part = cJSON_GetObjectItemCaseSensitive(root, section);
    const cJSON *training = cJSON_GetObjectItemCaseSensitive(root, "training");
    if (part == NULL)
        part = cJSON_GetObjectItemCaseSensitive(root, "kwargs");
    *out = cJSON_Duplicate(cJSON_IsObject(part) ? part : root, 1);
    DMX_RETURN_IF(*out == NULL ||
                      (cJSON_IsObject(part) && cJSON_IsObject(training) &&
                       !take_training(*out, training)),
                  err, DMX_ERROR_MEMORY, "%s: no memory", path);
    return DMX_OK;
}

dmx_status dmx_arguments_read_file(cJSON **out, const char *path,
                                   const char *section, dmx_error *err)
{
    dmx_blob blob;
    *out = NULL;
    DMX_FORWARD(dmx_file_read(&blob, path, MAX_FILE_BYTES, err));
    cJSON *root = cJSON_ParseWithLength((const char *)blob.data, blob.size);
    if (root == NULL)
        root = parse_yaml(&blob);
    dmx_blob_free(&blob);
    dmx_status status = DMX_OK;
    if (!cJSON_IsObject(root))
        status = dmx_fail(err, DMX_ERROR_FORMAT,
                          "%s: not a JSON or YAML file of arguments", path);
    else
        status = pick_section(out, root, path, section, err);
    cJSON_Delete(root);
    if (status != DMX_OK) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    return status;
}
