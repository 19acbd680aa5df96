#include "engine/steps/panel.h"

int64_t dmx_panel_floats(const dmx_panel_source *s, int64_t nr)
{
    const dmx_window *w = &s->window;
    return s->taps.taps > 0 ? s->taps.channels * s->taps.width
                            : w->channels * w->kernel[0] * w->kernel[1] * nr;
}

/* In the inner part of a row no column needs zero padding, so nothing is
 * copied. */
static dmx_panel cut_taps(const dmx_window *w, const dmx_taps *taps,
                          const dmx_kernels *k, int64_t row, int64_t t,
                          int64_t n, float *room)
{
    const int64_t reach = (taps->taps - 1) * taps->dilation;
    const int64_t at = t - w->padding[1];
    if (at >= 0 && at + k->nr + reach <= w->cols)
        return (dmx_panel){w->x + row * w->channels * w->stride + at,
                           w->stride};
    k->pack_taps(w, taps, row, t, n, room);
    return (dmx_panel){room, taps->width};
}

dmx_panel dmx_panel_cut(const dmx_panel_source *s, const dmx_kernels *k,
                        const float *x, int64_t row, int64_t t, int64_t n,
                        float *room)
{
    dmx_window w = s->window;
    w.x = x;
    if (s->taps.taps > 0)
        return cut_taps(&w, &s->taps, k, row, t, n, room);
    if (!s->normed) {
        k->pack_window(&w, row, t, n, room);
        return (dmx_panel){room, k->nr};
    }
    k->pack_normed(x + row * w.channels * w.stride + t, w.channels, w.stride, n,
                   s->epsilon, room);
    for (int64_t c = 0; s->norm_gain != NULL && c < w.channels; c++)
        k->affine(room + c * k->nr, room + c * k->nr, s->norm_gain[c],
                  s->norm_offset[c], k->nr);
    return (dmx_panel){room, k->nr};
}

void dmx_panel_prefetch(const dmx_panel_source *s, const dmx_kernels *k,
                        const float *x, int64_t row, int64_t t)
{
    const dmx_window *w = &s->window;
    const int64_t reach = (w->kernel[1] - 1) * w->dilation[1];
    const int64_t at = t * w->step[1] - w->padding[1];
    const int64_t from = dmx_max(at, 0);
    const int64_t to = dmx_min(at + k->nr * w->step[1] + reach, w->cols);
    if (w->kernel[0] > 1)
        return;
    x += row * w->channels * w->stride;
    for (int64_t c = 0; c < w->channels; c++, x += w->stride)
        for (int64_t j = from; j < to; j += DMX_LINE)
            __builtin_prefetch(x + j);
}

int64_t dmx_panel_group(int64_t rows, int64_t tiles, int64_t most,
                        int64_t threads)
{
    int64_t best = 1, least_work = INT64_MAX;
    most = dmx_max(dmx_min(most, tiles), 1);
    for (int64_t group = 1; group <= most; group++) {
        const int64_t tasks = rows * ((tiles + group - 1) / group);
        const int64_t work = (tasks + threads - 1) / threads * group;
        if (work > least_work)
            continue;
        least_work = work;
        best = group;
    }
    return best;
}
