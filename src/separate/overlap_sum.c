/* Pieces weighted and added, finished frames out.
 *
 * The last piece is added block by block while it is handed out; only what the
 * next pieces overlap is ever kept as a sum. */
#include "separate/overlap_state.h"

#include <string.h>

/* The weight of sample i of a piece: it rises to the middle, and falls in the
 * same steps. */
static double weight_at(const dmx_pass_state *p, int64_t i)
{
    const int64_t length = p->pass.piece;
    const int64_t at = i < length / 2 ? i : length - i - 1;
    return p->weight != NULL ? p->weight[at]
                             : dmx_overlap_rise(at, length - length / 2);
}

/* out[i] += weight of sample at + i, where there is one. */
static void add_weights(double *out, int64_t n, const dmx_pass_state *p,
                        int64_t at)
{
    for (int64_t i = at < 0 ? -at : 0; i < n && i + at < p->pass.piece; i++)
        out[i] += weight_at(p, i + at);
}

/* share[i] = weight / sum of the weights of all pieces of the pass that cover
 * sample at + i of the last one: those behind always exist, those in front from
 * the origin on. */
static void load_shares(dmx_overlap *o, int64_t at, int64_t n)
{
    const dmx_pass_state *p = o->last.pass;
    const int64_t stride = p->pass.stride;
    memset(o->share, 0, (size_t)n * sizeof *o->share);
    add_weights(o->share, n, p, at);
    for (int64_t shift = stride; shift < p->pass.piece; shift += stride) {
        if (o->last.start - shift >= p->pass.origin)
            add_weights(o->share, n, p, at + shift);
        add_weights(o->share, n, p, at - shift);
    }
    for (int64_t i = 0; i < n; i++)
        o->share[i] = weight_at(p, at + i) / o->share[i];
}

/* Adds one source of the last piece, n samples from `at` on; out[channels]
 * [stride]. */
static void add_source(const dmx_overlap *o, double *out, int64_t stride,
                       int64_t source, int64_t at, int64_t n)
{
    const dmx_piece_result *p = &o->last;
    const double gain = p->pass->pass.gain[source];
    const double scale = o->config.running ? p->scale : 1;
    const double mean = o->config.running ? p->mean : 0;
    for (int64_t c = 0; c < o->config.channels; c++) {
        const float *in = p->stems +
                          (source * o->config.channels + c) * p->samples +
                          p->trim + at;
        double *row = out + c * stride;
        for (int64_t i = 0; i < n; i++)
            row[i] += gain * o->share[i] * ((double)in[i] * scale + mean);
    }
}

/* Adds the last piece at track positions [from, from + n), where it is; at most
 * a block. out[slots * channels][stride]. */
static void add_last(dmx_overlap *o, double *out, int64_t stride, int64_t from,
                     int64_t n)
{
    const dmx_piece_result *p = &o->last;
    if (p->pass == NULL)
        return;
    const int64_t to = from + n < p->end ? from + n : p->end;
    const int64_t first = from > p->start ? from : p->start;
    if (first >= to)
        return;
    load_shares(o, first - p->start, to - first);
    for (int64_t s = 0; s < o->config.sources; s++)
        if (o->slot[s] >= 0 && p->pass->pass.gain[s] != 0)
            add_source(o,
                       out + o->slot[s] * o->config.channels * stride +
                           (first - from),
                       stride, s, first - p->start, to - first);
}

/* Makes the sums start at what has not been handed out yet. */
static void forget_sums(dmx_overlap *o)
{
    int64_t done = o->emitted - o->sum_base;
    done = done < o->reach ? done : o->reach;
    const size_t left = (size_t)(o->reach - done);
    for (int64_t r = 0; r < o->slots * o->config.channels; r++) {
        double *row = o->sum + r * o->reach;
        memmove(row, row + done, left * sizeof *row);
        memset(row + left, 0, (size_t)done * sizeof *row);
    }
    o->sum_base = o->emitted;
}

void dmx_overlap_fold(dmx_overlap *o)
{
    forget_sums(o);
    for (int64_t done = 0; done < o->reach; done += DMX_OVERLAP_BLOCK) {
        const int64_t left = o->reach - done;
        add_last(o, o->sum + done, o->reach, o->sum_base + done,
                 left < DMX_OVERLAP_BLOCK ? left : DMX_OVERLAP_BLOCK);
    }
    o->last.pass = NULL;
}

/* ---------------------------------------------------------------- output */

/* block = sums and the last piece, n frames from `emitted` on. */
static void load_block(dmx_overlap *o, int64_t n)
{
    const int64_t at = o->emitted - o->sum_base, left = o->reach - at;
    const int64_t known = left < 0 ? 0 : left < n ? left : n;
    for (int64_t r = 0; r < o->slots * o->config.channels; r++) {
        double *row = o->block + r * DMX_OVERLAP_BLOCK;
        memset(row, 0, (size_t)n * sizeof *row);
        if (known > 0)
            memcpy(row, o->sum + r * o->reach + at,
                   (size_t)known * sizeof *row);
    }
    add_last(o, o->block, DMX_OVERLAP_BLOCK, o->emitted, n);
}

/* out[n] of a row of the block; false when a number is not finite. */
static bool finish_row(const dmx_overlap *o, float *out, const double *sum,
                       int64_t n)
{
    const bool done = o->config.running; /* piece by piece */
    const double scale = done ? 1 : (double)o->config.scale;
    const double mean = done ? 0 : (double)o->config.mean;
    float bad = 0; /* x - x is NaN for infinities and NaNs */
    for (int64_t i = 0; i < n; i++) {
        out[i] = (float)(sum[i] * scale + mean);
        bad += out[i] - out[i];
    }
    return bad == 0;
}

/* n frames from `at` of the caller's. */
static dmx_status pull_block(dmx_overlap *o, float *const *stems,
                             float *const *mix, int64_t at, int64_t n,
                             dmx_error *err)
{
    load_block(o, n);
    for (int64_t r = 0; r < o->slots * o->config.channels; r++)
        DMX_RETURN_IF(
            !finish_row(o, stems[r] + at, o->block + r * DMX_OVERLAP_BLOCK, n),
            err, DMX_ERROR_MODEL,
            "the model gave samples that are not finite (NaN or infinity), "
            "after sample %lld of the track: its weights are damaged, or it "
            "can't take this track",
            (long long)o->emitted);
    for (int64_t c = 0; mix != NULL && c < o->config.channels; c++)
        memcpy(mix[c] + at,
               o->input + c * o->in_capacity + (o->emitted - o->in_base),
               (size_t)n * sizeof(float));
    o->emitted += n;
    return DMX_OK;
}

dmx_status dmx_overlap_pull(dmx_overlap *o, float *const *stems,
                            float *const *mix, size_t capacity, size_t *got,
                            dmx_error *err)
{
    int64_t limit = dmx_overlap_head(o)->next;
    if (limit > o->received)
        limit = o->received;
    *got = 0;
    while (limit > o->emitted && *got < capacity) {
        int64_t n = limit - o->emitted;
        if ((size_t)n > capacity - *got)
            n = (int64_t)(capacity - *got);
        if (n > DMX_OVERLAP_BLOCK)
            n = DMX_OVERLAP_BLOCK;
        DMX_FORWARD(pull_block(o, stems, mix, (int64_t)*got, n, err));
        *got += (size_t)n;
    }
    return DMX_OK;
}
