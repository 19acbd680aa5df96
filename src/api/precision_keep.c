/* Stores each proved choice in one small file: <folder>/<16 digits of the
 * checkpoint's hash>-<16 digits of everything that the choice depends on>.json.
 */
#include "api/precision.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/output.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Increment when the kernels' results change within a version. */
#define REVISION "3"

#define MOST_BYTES   65536
#define MOST_OCTAVES 48

/* The place of the highest bit. */
static int octave_of(int64_t samples)
{
    int octave = 0;
    while (samples >> (octave + 1) > 0)
        octave++;
    return octave;
}

/* Hash of checkpoint, weights, arguments, precision, instructions, octave,
 * version. */
static bool hash_of(char hex[DMX_SHA256_HEX], const dmx_choice_key *key)
{
    const dmx_identity who = dmx_model_identity(key->model);
    char octave[16];
    snprintf(octave, sizeof octave, "%d", octave_of(key->samples));
    char *arguments = dmx_model_json(key->model);
    dmx_sha256 *hash = arguments != NULL ? dmx_sha256_open() : NULL;
    const char *const part[] = {who.checkpoint_sha256,
                                who.weights != NULL ? who.weights : "",
                                arguments,
                                dmx_engine_precision_name(key->precision),
                                key->isa,
                                octave,
                                dmx_version(),
                                REVISION};
    for (size_t i = 0; hash != NULL && i < sizeof part / sizeof part[0]; i++)
        dmx_sha256_update(hash, part[i], strlen(part[i]) + 1);
    const bool good = hash != NULL;
    if (good)
        dmx_sha256_finish(hash, hex);
    free(arguments);
    return good;
}

/* malloc'd; NULL when memory is short. */
static char *path_of(const char *folder, const dmx_choice_key *key)
{
    char hex[DMX_SHA256_HEX];
    const size_t size = strlen(folder) + 64;
    char *path = malloc(size);
    if (path == NULL || !hash_of(hex, key)) {
        free(path);
        return NULL;
    }
    snprintf(path, size, "%s/%.16s-%.16s.json", folder,
             dmx_model_identity(key->model).checkpoint_sha256, hex);
    return path;
}

static bool number_of(dmx_number *out, const char *name)
{
    for (int n = 0; name != NULL && n < DMX_NUMBERS; n++)
        if (strcmp(name, dmx_number_name((dmx_number)n)) == 0) {
            *out = (dmx_number)n;
            return true;
        }
    return false;
}

static double number_at(const dmx_json *root, const char *name, double other)
{
    const dmx_json *item = dmx_json_get(root, name);
    return dmx_json_is_number(item) ? item->valuedouble : other;
}

/* Reads a document; false unless it meets the guaranteed SNR. */
static bool read_document(dmx_choice *out, const dmx_json *root, double promise)
{
    const dmx_json *layers = dmx_json_get(root, "layers");
    const double samples = number_at(root, "samples", 0);
    bool exact = true;
    for (int i = 0; i < DMX_LAYERS_COUNT; i++) {
        const char *name = dmx_json_text_of(
            dmx_json_get(layers, dmx_layers_name((dmx_layers)i)));
        if (!number_of(&out->plan.of[i], name))
            return false;
        exact = exact && out->plan.of[i] == DMX_FLOAT32;
    }
    if (!(samples >= 1 && samples <= 0x1p53))
        return false;
    out->samples = (int64_t)samples;
    out->decibels = exact ? INFINITY : number_at(root, "snr_db", 0);
    return out->decibels >= promise;
}

bool dmx_choice_read(dmx_choice *out, const char *folder,
                     const dmx_choice_key *key)
{
    char *path = path_of(folder, key);
    dmx_blob bytes;
    if (path == NULL ||
        dmx_file_read(&bytes, path, MOST_BYTES, NULL) != DMX_OK) {
        free(path);
        return false;
    }
    dmx_json *root = dmx_json_read_bytes((const char *)bytes.data, bytes.size);
    const bool good =
        read_document(out, root, dmx_precision_promise(key->precision));
    dmx_json_free(root);
    dmx_blob_free(&bytes);
    free(path);
    return good;
}

/* Creates the folder and its parents. */
static bool make_folders(const char *folder)
{
    char *copy = strdup(folder);
    bool good = copy != NULL && copy[0] != '\0';
    for (char *c = good ? copy + 1 : NULL; good; c++) {
        const char here = *c;
        if (here != '/' && here != '\0')
            continue;
        *c = '\0';
        good = mkdir(copy, 0777) == 0 || errno == EEXIST || errno == EISDIR;
        *c = here;
        if (here == '\0')
            break;
    }
    free(copy);
    return good;
}

static dmx_status write_text(const char *path, const char *text, dmx_error *err)
{
    dmx_output out;
    DMX_FORWARD(dmx_output_open(&out, path, err));
    dmx_status status = dmx_output_write(&out, text, strlen(text), err);
    if (status == DMX_OK)
        status = dmx_output_commit(&out, NULL, err);
    dmx_output_abandon(&out);
    return status;
}

static dmx_precision_report report_of(const dmx_choice *c,
                                      dmx_engine_precision precision)
{
    return (dmx_precision_report){.wanted = (int)precision,
                                  .promise = dmx_precision_promise(precision),
                                  .decibels = c->decibels,
                                  .samples = c->samples};
}

void dmx_choice_write(const dmx_choice *choice, const char *folder,
                      const dmx_choice_key *key, const dmx_hooks *hooks)
{
    dmx_error err = DMX_ERROR_INIT;
    const dmx_precision_report report = report_of(choice, key->precision);
    dmx_json *root = dmx_precision_document(&report, &choice->plan, key->isa);
    dmx_json_add_string(root, "checkpoint",
                        dmx_model_identity(key->model).checkpoint_sha256);
    dmx_json_add_string(root, "version", dmx_version());
    char *text = dmx_json_print(root);
    char *path = path_of(folder, key);
    if (text == NULL || path == NULL)
        dmx_warn(hooks, "no memory to keep what was proved");
    else if (!make_folders(folder))
        dmx_warn(
            hooks,
            "%s: can't create the folder: %s; the precision will be proved "
            "again next time",
            folder, strerror(errno));
    else if (write_text(path, text, &err) != DMX_OK)
        dmx_warn(hooks, "%s; the precision will be proved again next time",
                 err.message);
    dmx_json_free(root);
    free(text);
    free(path);
}

/* Of every octave. */
static void list_choices(dmx_json *list, const char *folder,
                         dmx_choice_key *key)
{
    dmx_choice c;
    for (int octave = 0; octave < MOST_OCTAVES; octave++) {
        key->samples = (int64_t)1 << octave;
        if (!dmx_choice_read(&c, folder, key))
            continue;
        const dmx_precision_report report = report_of(&c, key->precision);
        dmx_json_append(list,
                        dmx_precision_document(&report, &c.plan, key->isa));
    }
}

char *dmx_engine_choices_json(const dmx_model *model, const char *folder)
{
    bool pays[DMX_NUMBERS];
    if (model == NULL || folder == NULL)
        return NULL;
    dmx_json *list = dmx_json_new(DMX_JSON_ARRAY);
    dmx_choice_key key = {.model = model,
                          .isa = dmx_engine_integers(pays, NULL)};
    for (int i = DMX_ENGINE_INT16; key.isa != NULL && i <= DMX_ENGINE_INT8;
         i++) {
        key.precision = (dmx_engine_precision)i;
        list_choices(list, folder, &key);
    }
    char *text = dmx_json_print(list);
    dmx_json_free(list);
    return text;
}
