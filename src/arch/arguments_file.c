/* JSON and YAML files of constructor arguments. */
#include "arch/arguments.h"
#include "base/file.h"
#include "base/yaml.h"

#include <string.h>

#define MAX_FILE_BYTES ((size_t)1 << 20)

/* Takes what training repositories keep outside the model's section. */
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

/* The HTDemucs of a community trainer has two more arguments, one of which must
 * have its default value, and one different default: input is not padded to the
 * training segment. Source: models/demucs4ht.py of
 * Music-Source-Separation-Training. */
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
    dmx_status status = DMX_OK;
    if (root == NULL)
        status = dmx_yaml_read(&root, blob.data, blob.size, path, err);
    dmx_blob_free(&blob);
    if (status != DMX_OK)
        return status;
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
