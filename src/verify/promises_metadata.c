/* What a file says of itself: complete, well formed, true of its own shapes and
 * of the checkpoint that it is compared with. */
#include "verify/promises.h"
#include "verify/promises_parts.h"

#include "base/json.h"
#include "base/number.h"
#include "base/precision.h"
#include "base/ratio.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const required_metadata[] = {
    "sources", "samplerate", "segment", "architecture", "checkpoint_sha256",
};

/* ----------------------------------------------------------------- values */

static void untrue(dmx_inspection *i, const char *key, const char *truth)
{
    dmx_inspection_unusual(i, "metadata '%s' is '%.60s', but %s", key,
                           dmx_model_file_metadata(i->file, key), truth);
}

/* The value of a key as a whole number; false when it is absent, or something
 * else, which is a finding. */
static bool whole_number(int64_t *out, dmx_inspection *i, const char *key)
{
    const char *text = dmx_model_file_metadata(i->file, key);
    double value;
    if (text == NULL)
        return false;
    if (!dmx_number_parse(&value, text) || value != floor(value) ||
        !(value >= 0 && value <= 1e15)) {
        untrue(i, key, "that is no whole number");
        return false;
    }
    *out = (int64_t)value;
    return true;
}

/* The value of a key equals a dimension, where both are known. */
static void check_dimension(dmx_inspection *i, const char *key, int64_t dim)
{
    char truth[64];
    int64_t value;
    if (!whole_number(&value, i, key) || value == dim)
        return;
    if (dim < 0)
        snprintf(truth, sizeof truth, "that dimension is free");
    else
        snprintf(truth, sizeof truth, "the dimension is %lld", (long long)dim);
    untrue(i, key, truth);
}

static void check_dynamic(dmx_inspection *i, const dmx_contract *c)
{
    static const char *const free_ones[] = {NULL, "batch", "samples",
                                            "batch,samples"};
    const char *wanted = free_ones[(c->batch < 0) + 2 * (c->samples < 0)];
    const char *text = dmx_model_file_metadata(i->file, "dynamic");
    if (text == NULL && wanted != NULL)
        dmx_inspection_unusual(i, "metadata 'dynamic' is missing: %s %s free",
                               wanted, strchr(wanted, ',') ? "are" : "is");
    else if (text != NULL && wanted == NULL)
        untrue(i, "dynamic", "no dimension is free");
    else if (text != NULL && strcmp(text, wanted) != 0)
        untrue(i, "dynamic",
               strcmp(wanted, "batch") == 0     ? "batch is free"
               : strcmp(wanted, "samples") == 0 ? "samples is free"
                                                : "batch and samples are free");
}

static void check_range_of_lengths(dmx_inspection *i)
{
    int64_t least = 1, most = 0;
    if (whole_number(&least, i, "shortest_samples") && least < 1)
        untrue(i, "shortest_samples", "no input is shorter than one sample");
    if (whole_number(&most, i, "longest_samples") && most < least)
        untrue(i, "longest_samples", "that is less than 'shortest_samples'");
}

static void check_choice(dmx_inspection *i, const char *key,
                         const char *const *choice)
{
    const char *text = dmx_model_file_metadata(i->file, key);
    for (const char *const *c = choice; text != NULL && *c != NULL; c++)
        if (strcmp(text, *c) == 0)
            return;
    if (text != NULL)
        untrue(i, key, "there is no such value");
}

static void check_segment(dmx_inspection *i)
{
    const char *text = dmx_model_file_metadata(i->file, "segment");
    int64_t ratio[2];
    if (text != NULL && (!dmx_ratio_parse(ratio, text, strlen(text)) ||
                         ratio[0] <= 0 || ratio[1] <= 0))
        untrue(i, "segment", "that is no duration in seconds");
}

static void check_sources(dmx_inspection *i, const dmx_contract *contract)
{
    dmx_json *sources = dmx_model_file_json(i->file, "sources");
    if (dmx_json_is_array(sources) && contract->sources >= 0 &&
        dmx_json_count(sources) != contract->sources)
        dmx_inspection_broken(
            i, "metadata names %d sources, the output has %lld",
            dmx_json_count(sources), (long long)contract->sources);
    dmx_json_free(sources);
}

static void check_values(dmx_inspection *i, const dmx_contract *contract)
{
    static const char *const truths[] = {"true", "false", NULL};
    const char *const precisions[] = {
        dmx_precision_name(DMX_PRECISION_FP32),
        dmx_precision_name(DMX_PRECISION_FP16_WEIGHTS),
        dmx_precision_name(DMX_PRECISION_INT8), NULL};
    int64_t rate;
    if (whole_number(&rate, i, "samplerate") && rate < 1)
        untrue(i, "samplerate", "that is no rate");
    check_dimension(i, "audio_channels", contract->channels);
    check_dimension(i, "samples", contract->samples);
    check_dimension(i, "batch", contract->batch);
    check_dynamic(i, contract);
    check_range_of_lengths(i);
    check_segment(i);
    check_choice(i, "pads_to_segment", truths);
    check_choice(i, "precision", precisions);
}

void dmx_promises_metadata(dmx_inspection *i, const dmx_contract *contract)
{
    for (size_t k = 0;
         k < sizeof required_metadata / sizeof required_metadata[0]; k++)
        if (dmx_model_file_metadata(i->file, required_metadata[k]) == NULL)
            dmx_inspection_unusual(i, "metadata '%s' is missing",
                                   required_metadata[k]);
    check_sources(i, contract);
    if (i->ours)
        check_values(i, contract);
}

/* --------------------------------------------------------------- identity */

static void check_same(dmx_inspection *i, const char *key, const char *truth)
{
    char text[96];
    const char *value = dmx_model_file_metadata(i->file, key);
    if (value == NULL || strcmp(value, truth) == 0)
        return;
    snprintf(text, sizeof text, "the checkpoint's is %.60s", truth);
    untrue(i, key, text);
}

dmx_status dmx_promises_identity(struct dmx_report *report,
                                 const dmx_model_file *file,
                                 const dmx_identity *who, dmx_error *err)
{
    dmx_inspection i = {report, file, dmx_model_file_is_ours(file), err,
                        DMX_OK};
    char text[64];
    if (!i.ours)
        return DMX_OK;
    snprintf(text, sizeof text, "%lld", (long long)who->samplerate);
    check_same(&i, "samplerate", text);
    snprintf(text, sizeof text, "%lld/%lld", (long long)who->segment[0],
             (long long)who->segment[1]);
    check_same(&i, "segment", text);
    check_same(&i, "architecture", who->architecture);
    check_same(&i, "pads_to_segment", who->pads_to_segment ? "true" : "false");
    return i.status;
}
