/* Plans which stems are made, by which models, in which passes over a track. */
#include "separate/python_random.h"
#include "separate/separator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *source_name(const dmx_separator *s, size_t index)
{
    return s->member[s->leader].source[index];
}

/* ----------------------------------------------------------------- stems */

static void list_sources(const dmx_separator *s, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < s->n_source && used + 1 < size; i++) {
        const size_t left = size - used;
        const int n = snprintf(text + used, left, "%s%s", i > 0 ? ", " : "",
                               source_name(s, i));
        used += n > 0 && (size_t)n < left ? (size_t)n : left - 1;
    }
}

/* Sets wanted[source] for each name of the list. */
static dmx_status mark(const dmx_separator *s, const dmx_bag *bag,
                       const char *const *names, bool *wanted, bool value,
                       dmx_error *err)
{
    for (; names != NULL && *names != NULL; names++) {
        const char *name = dmx_bag_stem(bag, *names);
        size_t i = 0;
        while (i < s->n_source && strcmp(source_name(s, i), name) != 0)
            i++;
        if (i == s->n_source) {
            char known[512];
            list_sources(s, known, sizeof known);
            DMX_RETURN_ERROR(err, DMX_ERROR_ARGUMENT,
                             "the model has no stem '%s'; it has %s", *names,
                             known);
        }
        wanted[i] = value;
    }
    return DMX_OK;
}

static dmx_status number_stems(dmx_separator *s, const bool *wanted,
                               dmx_error *err)
{
    s->slot = malloc(s->n_source * sizeof *s->slot);
    s->stem = malloc(s->n_source * sizeof *s->stem);
    DMX_RETURN_IF(s->slot == NULL || s->stem == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a model");
    for (size_t i = 0; i < s->n_source; i++) {
        s->slot[i] = wanted[i] ? (int)s->n_stem : -1;
        if (wanted[i])
            s->stem[s->n_stem++] = i;
    }
    DMX_RETURN_IF(s->n_stem == 0, err, DMX_ERROR_ARGUMENT,
                  "no stem is left to separate");
    return DMX_OK;
}

dmx_status dmx_separator_select(dmx_separator *s, const dmx_bag *bag,
                                const dmx_separator_options *o, dmx_error *err)
{
    DMX_RETURN_IF(o->stems != NULL && o->without != NULL, err,
                  DMX_ERROR_ARGUMENT,
                  "give either the stems wanted or those not wanted");
    bool *wanted = malloc(s->n_source * sizeof *wanted);
    DMX_RETURN_IF(wanted == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a model");
    for (size_t i = 0; i < s->n_source; i++)
        wanted[i] = o->stems == NULL;
    dmx_status status = mark(s, bag, o->stems, wanted, true, err);
    if (status == DMX_OK)
        status = mark(s, bag, o->without, wanted, false, err);
    if (status == DMX_OK)
        status = number_stems(s, wanted, err);
    free(wanted);
    return status;
}

bool dmx_separator_needs(const dmx_separator *s, size_t member)
{
    for (size_t k = 0; k < s->n_stem; k++)
        if (s->weight[member * s->n_source + s->stem[k]] != 0)
            return true;
    return false;
}

/* ---------------------------------------------------------------- passes */

/* gain = weight / column total / passes of a model. */
dmx_status dmx_separator_plan_gains(dmx_separator *s, dmx_error *err)
{
    const double passes = s->options.shifts > 0 ? s->options.shifts : 1;
    s->gain = calloc(s->n_member * s->n_source, sizeof *s->gain);
    DMX_RETURN_IF(s->gain == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a model");
    for (size_t i = 0; i < s->n_source; i++) {
        double total = 0;
        for (size_t m = 0; m < s->n_member; m++)
            total += s->weight[m * s->n_source + i];
        DMX_RETURN_IF(total == 0 && s->slot[i] >= 0, err, DMX_ERROR_ARGUMENT,
                      "the bag's weights for '%s' sum to zero",
                      source_name(s, i));
        for (size_t m = 0; m < s->n_member && total != 0; m++)
            s->gain[m * s->n_source + i] =
                s->weight[m * s->n_source + i] / total / passes;
    }
    return DMX_OK;
}

static int64_t stride_of(const dmx_separator *s, int64_t piece)
{
    const int64_t stride = (int64_t)((1 - s->options.overlap) * (double)piece);
    return stride > 0 ? stride : 1;
}

static size_t passes_of(const dmx_separator *s)
{
    return s->options.shifts > 0 ? (size_t)s->options.shifts : 1;
}

static void add_pass(dmx_separator *s, size_t member)
{
    const dmx_turn *turn = &s->turn[member];
    dmx_pass *pass = &s->pass[s->n_pass++];
    *pass = (dmx_pass){.runner = &s->turn[member].shared,
                       .gain = s->gain + member * s->n_source,
                       .piece = s->member[member].piece,
                       .stride = stride_of(s, s->member[member].piece),
                       .context = &s->turn[member]};
    if (!turn->member->fixed) {
        pass->margin = s->member[member].margin;
        pass->open_tail = dmx_separator_open_tail;
    }
}

dmx_status dmx_separator_plan_passes(dmx_separator *s, dmx_error *err)
{
    s->pass = calloc(s->n_member * passes_of(s), sizeof *s->pass);
    DMX_RETURN_IF(s->pass == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a model");
    for (size_t m = 0; m < s->n_member; m++)
        for (size_t i = 0; dmx_separator_needs(s, m) && i < passes_of(s); i++)
            add_pass(s, m);
    for (size_t m = 0; m < s->n_member; m++) {
        s->draws[m].stride = stride_of(s, s->member[m].piece);
        s->draws[m].position = s->member[m].draws_position;
    }
    return DMX_OK;
}

/* ---------------------------------------------------------------- origins */

/* All members draw their offsets from one generator, in order; a network that
 * draws a position while it runs uses the same generator. */
bool dmx_separator_needs_length(const dmx_separator *s)
{
    bool drawn = false;
    for (size_t m = 0; s->options.shifts > 0 && m < s->n_member; m++) {
        const size_t passes = s->draws[m].repeats * passes_of(s);
        if (drawn && dmx_separator_needs(s, m))
            return true;
        if (s->draws[m].position > 0 && passes > 1 && dmx_separator_needs(s, m))
            return true;
        drawn = drawn || s->draws[m].position > 0;
    }
    return false;
}

/* A shift moves the first segment up to half a second before the track (the
 * original pads by half a second and starts at a random offset). Each piece may
 * then draw a position, which this implementation does not use but must draw.
 */
static int64_t draw_pass(const dmx_separator *s, const dmx_draws *d,
                         int64_t frames, dmx_python_random *random)
{
    const uint32_t most = (uint32_t)(s->samplerate / 2);
    const int64_t origin =
        (int64_t)dmx_python_randint(random, most) - (int64_t)most;
    for (int64_t at = origin; d->position > 0 && at < frames; at += d->stride)
        (void)dmx_python_randint(random, (uint32_t)(d->position - 1));
    return origin;
}

void dmx_separator_draw_origins(const dmx_separator *s, dmx_pass *pass,
                                int64_t frames)
{
    dmx_python_random random;
    dmx_python_seed(&random, s->options.seed);
    memcpy(pass, s->pass, s->n_pass * sizeof *pass);
    for (size_t m = 0; s->options.shifts > 0 && m < s->n_member; m++)
        for (size_t r = 1; r <= s->draws[m].repeats; r++) {
            const bool wanted =
                r == s->draws[m].repeats && dmx_separator_needs(s, m);
            for (int i = 0; i < s->options.shifts; i++) {
                const int64_t origin =
                    draw_pass(s, &s->draws[m], frames, &random);
                if (wanted)
                    (pass++)->origin = origin;
            }
        }
}
