/* The source of a product's columns. */
#ifndef DMX_ENGINE_PANEL_H
#define DMX_ENGINE_PANEL_H

#include "engine/kernels/kernels.h"
#include "engine/program.h"

typedef struct dmx_panel_source {
    dmx_window window; /* its x is set while running */
    dmx_taps taps;     /* taps > 0: for gemm_taps */
    bool normed;       /* each column is normalised first */
    double epsilon;
    const float *norm_gain, *norm_offset; /* or NULL: folded */
} dmx_panel_source;

int64_t dmx_panel_floats(const dmx_panel_source *s, int64_t nr);

/* Columns ready for a product: packed, or, with taps, possibly in place. */
typedef struct dmx_panel {
    const float *data;
    int64_t width; /* of a channel, for gemm_taps */
} dmx_panel;

/* Columns [t, t + n) of row `row` of x, n <= nr. room: dmx_panel_floats. */
dmx_panel dmx_panel_cut(const dmx_panel_source *s, const dmx_kernels *k,
                        const float *x, int64_t row, int64_t t, int64_t n,
                        float *room);

/* Prefetches the columns from which the panel at t will be cut. In a long
 * signal, channels are far apart and only a few cache lines of each are read,
 * which hardware prefetchers do not predict. */
void dmx_panel_prefetch(const dmx_panel_source *s, const dmx_kernels *k,
                        const float *x, int64_t row, int64_t t);

/* The number of panels with about so many columns: what is read from beyond the
 * caches serves as many columns with narrow vectors as with wide ones. */
static inline int64_t dmx_panels_of(int64_t columns, int64_t nr)
{
    return columns > nr ? columns / nr : 1;
}

/* The number of panels per task: it minimises the work of the busiest thread,
 * and among equals is the largest, so that weights are read less often. `rows`
 * rows of `tiles` panels; at most `most` panels. */
int64_t dmx_panel_group(int64_t rows, int64_t tiles, int64_t most,
                        int64_t threads);

#endif
