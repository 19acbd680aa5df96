/* Finds the smallest hop that this machine sustains. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/options.h"
#include "stream/stream.h"

#include <math.h>
#include <string.h>

#define RUNS   5    /* timed, after one warm-up run */
#define MARGIN 0.75 /* the fraction of the hop that the slowest may take */

/* Times the slowest of several runs over noise. */
static dmx_status time_runs(double *seconds, dmx_windows *w, float *y,
                            const float *past, const dmx_hooks *hooks,
                            dmx_error *err)
{
    const dmx_window_level level = {0, 1};
    int64_t bad = 0;
    *seconds = 0;
    for (int i = 0; i <= RUNS; i++) {
        DMX_FORWARD(
            dmx_progress(hooks, "measure", (double)i / (RUNS + 1), err));
        const double start = dmx_seconds();
        DMX_FORWARD(
            dmx_windows_run(w, y, w->shortest, past, &level, &bad, NULL, err));
        if (i > 0)
            *seconds = fmax(*seconds, dmx_seconds() - start);
    }
    return dmx_progress(hooks, "measure", 1, err);
}

static dmx_status measure(double *seconds, dmx_windows *w,
                          const dmx_hooks *hooks, dmx_error *err)
{
    const int64_t channels = w->separator->channels;
    float *past = dmx_aligned_alloc((size_t)(channels * w->longest), 4);
    float *y = dmx_aligned_alloc((size_t)(w->rows * w->shortest), 4);
    dmx_status status = DMX_OK;
    if (past == NULL || y == NULL)
        status = dmx_fail(err, DMX_ERROR_MEMORY, "no memory to measure");
    uint32_t random = 1;
    for (int64_t i = 0; status == DMX_OK && i < channels * w->longest; i++) {
        random = random * 1664525 + 1013904223; /* Numerical Recipes, 7.1 */
        past[i] = (float)((int32_t)random >> 8) * 0x1p-24F;
    }
    if (status == DMX_OK)
        status = time_runs(seconds, w, y, past, hooks, err);
    dmx_aligned_free(past);
    dmx_aligned_free(y);
    return status;
}

dmx_status dmx_stream_suggest(dmx_stream_options *options, double *seconds,
                              dmx_separator *separator, const dmx_hooks *hooks,
                              dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, seconds);
    *seconds = 0;
    DMX_NEED(err, options);
    DMX_NEED(err, separator);
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_stream_options, err));
    dmx_windows w;
    dmx_cover_shape shape;
    DMX_FORWARD(dmx_windows_open(&w, separator, err));
    dmx_status status = measure(seconds, &w, hooks, err);
    const double hop = ceil(1000 * *seconds / MARGIN) / 1000;
    o.hop = fmax(hop, DMX_STREAM_LEAST_HOP);
    if (o.covers <= 1)
        o.fade = fmin(o.fade, o.hop);
    dmx_stream_options settled = o;
    if (status == DMX_OK)
        status = dmx_stream_shape(&shape, &settled, &w, err);
    dmx_windows_close(&w);
    if (status == DMX_OK)
        dmx_report_give(options, &o, sizeof o);
    return status;
}
