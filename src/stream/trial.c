#include "base/memory.h"
#include "separate/song_input.h"
#include "stream/trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 8192 };

/* --------------------------------------------------------------- reading */

/* Reads *got frames into rows[channels][most], followed by zeros. */
static dmx_status read_sound(float *rows, int64_t *got, int64_t most,
                             const dmx_separator *s, const char *path,
                             const dmx_hooks *hooks, dmx_error *err)
{
    dmx_song_input in;
    DMX_FORWARD(dmx_song_input_open(&in, path, NULL, 0, (int)s->samplerate,
                                    (int)s->channels, hooks, err));
    dmx_status status = DMX_OK;
    *got = 0;
    for (size_t n = 1; status == DMX_OK && n > 0 && *got < most;
         *got += (int64_t)n) {
        float *planes[2];
        const int64_t left = most - *got;
        for (int64_t c = 0; c < s->channels; c++)
            planes[c] = rows + c * most + *got;
        status = dmx_song_input_read(
            &in, planes, left < BLOCK ? (size_t)left : BLOCK, &n, err);
        if (status != DMX_OK)
            n = 0;
    }
    dmx_song_input_close(&in);
    return status;
}

static dmx_status read_all(dmx_trial *t, int64_t most, const dmx_separator *s,
                           const char *song, const char *const *truth,
                           const dmx_hooks *hooks, dmx_error *err)
{
    DMX_FORWARD(read_sound(t->mix, &t->length, most, s, song, hooks, err));
    DMX_RETURN_IF(t->length == 0, err, DMX_ERROR_FORMAT, "%s: no sound", song);
    for (size_t k = 0; k < s->n_stem; k++) {
        int64_t length;
        DMX_FORWARD(
            dmx_progress(hooks, "read", (double)k / (double)s->n_stem, err));
        DMX_FORWARD(read_sound(t->truth + (int64_t)k * s->channels * most,
                               &length, most, s, truth[k], hooks, err));
        DMX_RETURN_IF(length != t->length, err, DMX_ERROR_ARGUMENT,
                      "%s and %s differ in length", song, truth[k]);
    }
    return DMX_OK;
}

/* Compacts rows of `most` frames to rows of `length`. */
static void pack_rows(float *rows, int64_t count, int64_t most, int64_t length)
{
    for (int64_t r = 1; r < count; r++)
        memmove(rows + r * length, rows + r * most,
                (size_t)length * sizeof *rows);
}

dmx_status dmx_trial_open(dmx_trial *out, const dmx_separator *s,
                          const char *song, const char *const *truth,
                          double seconds, const dmx_hooks *hooks,
                          dmx_error *err)
{
    const int64_t most = (int64_t)(seconds * (double)s->samplerate);
    *out = (dmx_trial){.channels = s->channels,
                       .rows = (int64_t)s->n_stem * s->channels};
    out->mix = dmx_aligned_alloc((size_t)(out->channels * most), sizeof(float));
    out->truth = dmx_aligned_alloc((size_t)(out->rows * most), sizeof(float));
    dmx_status status = out->mix == NULL || out->truth == NULL
                            ? dmx_fail(err, DMX_ERROR_MEMORY,
                                       "no memory for %g s of stems", seconds)
                            : read_all(out, most, s, song, truth, hooks, err);
    if (status != DMX_OK) {
        dmx_trial_close(out);
        return status;
    }
    pack_rows(out->mix, out->channels, most, out->length);
    pack_rows(out->truth, out->rows, most, out->length);
    return DMX_OK;
}

void dmx_trial_close(dmx_trial *t)
{
    dmx_aligned_free(t->mix);
    dmx_aligned_free(t->truth);
    *t = (dmx_trial){0};
}

/* -------------------------------------------------------------- comparing */

void dmx_trial_compare(const dmx_trial *t, double *noise, const float *y,
                       int64_t stride, int64_t at, int64_t n)
{
    const int64_t from = at < 0 ? -at : 0;
    const int64_t to = at + n > t->length ? t->length - at : n;
    for (int64_t r = 0; r < t->rows; r++) {
        const float *truth = t->truth + r * t->length + at;
        double sum = 0;
        for (int64_t i = from; i < to; i++) {
            const double d = (double)truth[i] - (double)y[r * stride + i];
            sum += d * d;
        }
        noise[r / t->channels] += sum;
    }
}

double dmx_trial_sdr(const dmx_trial *t, size_t stem, double noise)
{
    const float *truth = t->truth + (int64_t)stem * t->channels * t->length;
    double signal = 0;
    for (int64_t i = 0; i < t->channels * t->length; i++)
        signal += (double)truth[i] * (double)truth[i];
    return signal > 0 ? 10 * log10(signal / noise) : (double)NAN;
}

/* --------------------------------------------------------------- offline */

typedef struct whole {
    const dmx_trial *trial;
    double *noise;
    int64_t in, out;
    float *rows; /* [rows][BLOCK * 2] of a block, contiguous */
} whole;

static dmx_status read_mix(void *user, float *const *planes, size_t capacity,
                           size_t *got, dmx_error *err)
{
    whole *w = user;
    (void)err;
    const int64_t left = w->trial->length - w->in;
    *got = left < (int64_t)capacity ? (size_t)left : capacity;
    for (int64_t c = 0; c < w->trial->channels; c++)
        memcpy(planes[c], w->trial->mix + c * w->trial->length + w->in,
               *got * sizeof(float));
    w->in += (int64_t)*got;
    return DMX_OK;
}

static dmx_status rewind_mix(void *user, dmx_error *err)
{
    (void)err;
    ((whole *)user)->in = 0;
    return DMX_OK;
}

static dmx_status compare_stems(void *user, const float *const *stems,
                                const float *const *mix, size_t frames,
                                dmx_error *err)
{
    whole *w = user;
    (void)mix, (void)err;
    for (size_t at = 0; at < frames; at += BLOCK) {
        const size_t n = frames - at < BLOCK ? frames - at : BLOCK;
        for (int64_t r = 0; r < w->trial->rows; r++)
            memcpy(w->rows + r * BLOCK, stems[r] + at, n * sizeof(float));
        dmx_trial_compare(w->trial, w->noise, w->rows, BLOCK,
                          w->out + (int64_t)at, (int64_t)n);
    }
    w->out += (int64_t)frames;
    return DMX_OK;
}

dmx_status dmx_trial_offline(double *noise, const dmx_trial *trial,
                             dmx_separator *separator, const dmx_hooks *hooks,
                             dmx_error *err)
{
    whole w = {.trial = trial, .noise = noise};
    dmx_separator_io io = DMX_SEPARATOR_IO_INIT;
    w.rows = malloc((size_t)trial->rows * BLOCK * sizeof *w.rows);
    DMX_RETURN_IF(w.rows == NULL, err, DMX_ERROR_MEMORY,
                  "no memory to separate");
    io.user = &w;
    io.read = read_mix;
    io.rewind = rewind_mix;
    io.write = compare_stems;
    io.frames = trial->length;
    const dmx_status status = dmx_separator_run(separator, &io, hooks, err);
    free(w.rows);
    return status;
}
