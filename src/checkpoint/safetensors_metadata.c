/* Demucs 4.1 keeps klass, args and kwargs as JSON text in the metadata. */
#include "checkpoint/bytes.h"
#include "checkpoint/safetensors_parts.h"

#include <string.h>

const char *dmx_safetensors_text(const dmx_json *metadata, const char *key)
{
    const dmx_json *item = dmx_json_get(metadata, key);
    return dmx_json_is_string(item) ? item->valuestring : NULL;
}

/* Splits "demucs.htdemucs.HTDemucs" into module and name. */
static dmx_status set_class(dmx_load *load, const char *klass)
{
    struct dmx_checkpoint *c = load->checkpoint;
    const size_t size = strlen(klass);
    const char *dot = strrchr(klass, '.');
    DMX_RETURN_IF(dot == NULL || dot == klass || dot[1] == '\0' ||
                      size > DMX_PICKLE_MAX_NAME ||
                      !dmx_text_clean(klass, size),
                  load->err, DMX_ERROR_FORMAT,
                  "safetensors metadata: klass is not a class name");
    c->klass_module =
        dmx_arena_strndup(load->arena, klass, (size_t)(dot - klass));
    c->klass_name = dmx_arena_strndup(load->arena, dot + 1, strlen(dot + 1));
    DMX_RETURN_IF(c->klass_module == NULL || c->klass_name == NULL, load->err,
                  DMX_ERROR_MEMORY, "no memory for the class");
    return DMX_OK;
}

static dmx_status set_json(dmx_json **out, dmx_load *load,
                           const dmx_json *metadata, const char *key,
                           const char *missing)
{
    const char *text = dmx_safetensors_text(metadata, key);
    if (text == NULL)
        text = missing;
    DMX_FORWARD(dmx_json_parse(out, text, strlen(text), DMX_SAFETENSORS_LENGTH,
                               key, load->err));
    DMX_RETURN_IF(missing[0] == '[' ? !dmx_json_is_array(*out)
                                    : !dmx_json_is_object(*out),
                  load->err, DMX_ERROR_FORMAT,
                  "safetensors metadata: %s is not a JSON %s", key,
                  missing[0] == '[' ? "array" : "object");
    DMX_RETURN_IF(!dmx_json_clean(*out), load->err, DMX_ERROR_FORMAT,
                  "safetensors metadata: %s holds control characters", key);
    return DMX_OK;
}

/* All values must be strings, and the keys that are read must not repeat. */
static dmx_status check_metadata(dmx_load *load, const dmx_json *metadata)
{
    static const char *const names[] = {"klass", "args", "kwargs", "structure"};
    int seen[4] = {0};
    DMX_RETURN_IF(!dmx_json_is_object(metadata), load->err, DMX_ERROR_FORMAT,
                  "safetensors header: __metadata__ is no object");
    for (const dmx_json *i = metadata->child; i != NULL; i = i->next) {
        DMX_RETURN_IF(!dmx_json_is_string(i), load->err, DMX_ERROR_FORMAT,
                      "safetensors metadata: not all values are texts");
        for (int k = 0; k < 4; k++)
            DMX_RETURN_IF(strcmp(i->string, names[k]) == 0 && seen[k]++ != 0,
                          load->err, DMX_ERROR_FORMAT,
                          "safetensors metadata: %s is there twice", names[k]);
    }
    return DMX_OK;
}

dmx_status dmx_safetensors_metadata(dmx_load *load, const dmx_json *metadata)
{
    struct dmx_checkpoint *c = load->checkpoint;
    DMX_FORWARD(check_metadata(load, metadata));
    const char *klass = dmx_safetensors_text(metadata, "klass");
    if (klass == NULL)
        return DMX_OK;
    DMX_FORWARD(set_class(load, klass));
    DMX_FORWARD(set_json(&c->args, load, metadata, "args", "[]"));
    return set_json(&c->kwargs, load, metadata, "kwargs", "{}");
}
