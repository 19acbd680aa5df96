/* The document of a proved choice, and its file name: 16 digits of the
 * checkpoint's hash, and 16 of everything that the choice depends on. */
#include "api/precision.h"
#include "base/hash.h"
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Increment when the kernels' results change within a version. */
#define REVISION "4"

/* The place of the highest bit. */
static int octave_of(int64_t samples)
{
    int octave = 0;
    while (samples >> (octave + 1) > 0)
        octave++;
    return octave;
}

/* Hash of checkpoint, weights, arguments, precision, instructions, octave, form
 * of the products, version. */
static bool hash_of(char hex[DMX_SHA256_HEX], const dmx_choice_key *key)
{
    const dmx_identity who = dmx_model_identity(key->model);
    char octave[16];
    const char form[] = {key->low_memory ? 'l' : '-', key->unfused ? 'u' : '-',
                         '\0'};
    snprintf(octave, sizeof octave, "%d", octave_of(key->samples));
    char *arguments = dmx_model_json(key->model);
    dmx_sha256 *hash = arguments != NULL ? dmx_sha256_open() : NULL;
    const char *const part[] = {who.checkpoint_sha256,
                                who.weights != NULL ? who.weights : "",
                                arguments,
                                dmx_engine_precision_name(key->precision),
                                key->isa,
                                octave,
                                form,
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

bool dmx_choice_name(char name[DMX_CHOICE_NAME], const dmx_choice_key *key)
{
    char hex[DMX_SHA256_HEX];
    if (!hash_of(hex, key))
        return false;
    snprintf(name, DMX_CHOICE_NAME, "%.16s-%.16s.json",
             dmx_model_identity(key->model).checkpoint_sha256, hex);
    return true;
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

bool dmx_choice_parse(dmx_choice *out, const char *text, size_t size,
                      dmx_engine_precision precision)
{
    dmx_json *root = dmx_json_read_bytes(text, size);
    const bool good =
        read_document(out, root, dmx_precision_promise(precision));
    dmx_json_free(root);
    return good;
}

dmx_precision_report dmx_choice_report(const dmx_choice *c,
                                       dmx_engine_precision precision)
{
    return (dmx_precision_report){.wanted = (int)precision,
                                  .promise = dmx_precision_promise(precision),
                                  .decibels = c->decibels,
                                  .samples = c->samples};
}

char *dmx_choice_print(const dmx_choice *choice, const dmx_choice_key *key)
{
    const dmx_precision_report report =
        dmx_choice_report(choice, key->precision);
    dmx_json *root = dmx_precision_document(&report, &choice->plan, key->isa);
    dmx_json_add_string(root, "checkpoint",
                        dmx_model_identity(key->model).checkpoint_sha256);
    dmx_json_add_string(root, "version", dmx_version());
    char *text = dmx_json_print(root);
    dmx_json_free(root);
    return text;
}
