#include "stream/windows.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How many samples of history a run uses: the whole run length for a model that
 * accepts several lengths, else one piece, padded at the end. */
static int64_t history_length(const dmx_pass *pass, const dmx_runner *runner)
{
    return pass->open_tail != NULL && runner->samples > pass->piece
               ? runner->samples
               : pass->piece;
}

static dmx_status open_runners(dmx_windows *w, int64_t *samples, dmx_error *err)
{
    const dmx_separator *s = w->separator;
    for (size_t i = 0; i < s->n_pass; i++) {
        DMX_FORWARD(dmx_separator_share(&w->runner[i], &s->pass[i], err));
        const int64_t piece = history_length(&s->pass[i], &w->runner[i]);
        if (piece > w->longest)
            w->longest = piece;
        if (w->shortest == 0 || piece < w->shortest)
            w->shortest = piece;
        if (w->runner[i].samples > *samples)
            *samples = w->runner[i].samples;
    }
    return DMX_OK;
}

static dmx_status open_all(dmx_windows *w, dmx_error *err)
{
    const dmx_separator *s = w->separator;
    int64_t samples = 0;
    w->runner = calloc(s->n_pass, sizeof *w->runner);
    DMX_RETURN_IF(w->runner == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a stream");
    DMX_FORWARD(open_runners(w, &samples, err));
    const size_t run = (size_t)(s->channels * samples);
    w->mix = dmx_aligned_alloc(run, sizeof *w->mix);
    w->stems = dmx_aligned_alloc(run * s->n_source, sizeof *w->stems);
    DMX_RETURN_IF(w->mix == NULL || w->stems == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for windows of %lld samples", (long long)samples);
    return DMX_OK;
}

dmx_status dmx_windows_open(dmx_windows *out, dmx_separator *s, dmx_error *err)
{
    *out =
        (dmx_windows){.separator = s, .rows = (int64_t)s->n_stem * s->channels};
    DMX_RETURN_IF(s->options.shifts > 0, err, DMX_ERROR_ARGUMENT,
                  "a stream has no shifts: open the separator with 0");
    const dmx_status status = open_all(out, err);
    if (status != DMX_OK)
        dmx_windows_close(out);
    return status;
}

void dmx_windows_close(dmx_windows *w)
{
    for (size_t i = 0; w->runner != NULL && i < w->separator->n_pass; i++)
        dmx_runner_close(&w->runner[i]);
    free(w->runner);
    dmx_aligned_free(w->mix);
    dmx_aligned_free(w->stems);
    *w = (dmx_windows){0};
}

/* Loads the newest `piece` samples of history, normalised, with padding at the
 * end. */
static void load(const dmx_windows *w, int64_t samples, int64_t piece,
                 const float *past, const dmx_window_level *level)
{
    for (int64_t c = 0; c < w->separator->channels; c++) {
        const float *in = past + (c + 1) * w->longest - piece;
        float *out = w->mix + c * samples;
        for (int64_t i = 0; i < piece; i++)
            out[i] = (in[i] - level->mean) / level->scale;
        memset(out + piece, 0, (size_t)(samples - piece) * sizeof *out);
    }
}

/* Adds one row of one model; returns how many samples are not finite. */
static int64_t add_row(float *y, const float *in, int64_t n, double gain,
                       const dmx_window_level *level)
{
    const double scale = gain * (double)level->scale;
    const double mean = gain * (double)level->mean;
    int64_t bad = 0;
    for (int64_t i = 0; i < n; i++) {
        const float x = (float)((double)in[i] * scale + mean);
        if (isfinite(x))
            y[i] += x;
        else
            bad++;
    }
    return bad;
}

dmx_status dmx_windows_run(dmx_windows *w, float *y, int64_t keep,
                           const float *past, const dmx_window_level *level,
                           int64_t *bad, const dmx_hooks *hooks, dmx_error *err)
{
    const dmx_separator *s = w->separator;
    memset(y, 0, (size_t)(w->rows * keep) * sizeof *y);
    for (size_t m = 0; m < s->n_pass; m++) {
        const dmx_pass *pass = &s->pass[m];
        const dmx_runner *runner = &w->runner[m];
        const int64_t piece = history_length(pass, runner);
        load(w, runner->samples, piece, past, level);
        DMX_FORWARD(runner->run(runner->self, w->stems, w->mix, hooks, err));
        for (size_t k = 0; k < s->n_source; k++)
            for (int64_t c = 0; c < s->channels && s->slot[k] >= 0; c++)
                *bad += add_row(y + (s->slot[k] * s->channels + c) * keep,
                                w->stems +
                                    ((int64_t)k * s->channels + c) *
                                        runner->samples +
                                    piece - keep,
                                keep, pass->gain[k], level);
    }
    return DMX_OK;
}
