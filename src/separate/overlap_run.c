/* Input in, pieces through their runners. */
#include "separate/overlap_state.h"

#include "base/platform.h"

#include <string.h>

#define LONG_RESULT (4 << 20) /* floats */

/* ----------------------------------------------------------------- input */

dmx_pass_state *dmx_overlap_head(const dmx_overlap *o)
{
    dmx_pass_state *first = &o->pass[0];
    for (size_t i = 1; i < o->config.n_pass; i++)
        if (o->pass[i].next < first->next)
            first = &o->pass[i];
    return first;
}

int64_t dmx_overlap_behind(const dmx_overlap *o)
{
    const int64_t half = o->longest / 2;
    return (half > o->margin ? half : o->margin) + 1;
}

/* Drops input that no piece will read. */
static void forget_input(dmx_overlap *o)
{
    const int64_t keep = dmx_overlap_head(o)->next - dmx_overlap_behind(o);
    const int64_t base = keep < o->emitted ? keep : o->emitted;
    if (base <= o->in_base)
        return;
    const size_t left = (size_t)(o->received - base);
    for (int64_t c = 0; c < o->config.channels; c++) {
        float *row = o->input + c * o->in_capacity;
        memmove(row, row + (base - o->in_base), left * sizeof *row);
    }
    o->in_base = base;
}

size_t dmx_overlap_push(dmx_overlap *o, const float *const *planes,
                        size_t frames)
{
    if (o->received - o->in_base + (int64_t)frames > o->in_capacity)
        forget_input(o);
    const int64_t used = o->received - o->in_base;
    const size_t room = (size_t)(o->in_capacity - used);
    const size_t n = frames < room ? frames : room;
    for (int64_t c = 0; c < o->config.channels; c++)
        memcpy(o->input + c * o->in_capacity + used, planes[c],
               n * sizeof(float));
    o->received += (int64_t)n;
    return n;
}

void dmx_overlap_end(dmx_overlap *o)
{
    o->ended = true;
}

/* ----------------------------------------------------------------- pieces */

/* The length of a full piece's run. */
static int64_t full_run(const dmx_pass *pass)
{
    return pass->open_tail != NULL && pass->runner->samples > pass->piece
               ? pass->runner->samples
               : pass->piece;
}

/* The length of the piece that starts at `start`. */
static int64_t piece_length(const dmx_overlap *o, const dmx_pass *pass,
                            int64_t start)
{
    const int64_t left = o->received - start;
    return o->ended && left < pass->piece ? left : pass->piece;
}

/* Whether a piece of n samples runs at its own length. */
static bool is_tail(const dmx_pass *pass, int64_t n)
{
    return n != pass->piece && pass->open_tail != NULL;
}

/* The pass whose piece the lane runs next, by its `ahead`; NULL: only a tail is
 * left. A random shift can put short first pieces entirely before the track;
 * these are skipped. */
static dmx_pass_state *next_of_lane(const dmx_overlap *o, const dmx_lane *lane)
{
    for (;;) {
        dmx_pass_state *first = NULL;
        for (size_t i = 0; i < o->config.n_pass; i++)
            if (o->pass[i].lane == lane &&
                (first == NULL || o->pass[i].ahead < first->ahead))
                first = &o->pass[i];
        if (o->ended && first->ahead >= o->received)
            return NULL;
        const int64_t n = piece_length(o, &first->pass, first->ahead);
        if (first->ahead + n > 0)
            return is_tail(&first->pass, n) ? NULL : first;
        first->ahead += first->pass.stride;
    }
}

static void reset_ahead(const dmx_overlap *o)
{
    for (size_t i = 0; i < o->config.n_pass; i++)
        o->pass[i].ahead = o->pass[i].next;
}

/* Whether the input of a whole batch has arrived. */
static bool has_batch(const dmx_overlap *o, const dmx_lane *lane)
{
    reset_ahead(o);
    for (int64_t i = 0; i < lane->most; i++) {
        dmx_pass_state *p = next_of_lane(o, lane);
        const int64_t run = full_run(&p->pass);
        const int64_t begin = p->ahead - (run - p->pass.piece) / 2;
        if (begin + run > o->received)
            return false;
        p->ahead += p->pass.stride;
    }
    return true;
}

bool dmx_overlap_ready(const dmx_overlap *o)
{
    const dmx_pass_state *p = dmx_overlap_head(o);
    if (o->ended)
        return p->next < o->received;
    return p->lane->used < p->lane->made || has_batch(o, p->lane);
}

/* Updates the level for a piece that ends at `to`. With pieces of several
 * lengths, a piece may end before an earlier one: the level never goes back. */
static void find_level(dmx_overlap *o, int64_t to)
{
    o->mean = o->config.mean;
    o->scale = o->config.scale;
    if (!o->config.running)
        return;
    const int64_t from = o->level.frames;
    const float *planes[DMX_OVERLAP_CHANNELS];
    for (int64_t c = 0; c < o->config.channels; c++)
        planes[c] = o->input + c * o->in_capacity + (from - o->in_base);
    if (to > from)
        dmx_track_level_add(&o->level, planes, (size_t)o->config.channels,
                            (size_t)(to - from));
    double mean, std;
    dmx_track_level_get(&o->level, &mean, &std);
    o->mean = (float)mean;
    o->scale = (float)std + 1e-8F;
}

/* mix[channels][samples] from track position `begin`, normalised; zeros from
 * `piece` samples on. */
static void load_piece(dmx_overlap *o, float *mix, int64_t samples,
                       int64_t piece, int64_t begin)
{
    int64_t from = begin < 0 ? 0 : begin;
    int64_t to = begin + piece;
    if (to > o->received)
        to = o->received;
    find_level(o, to);
    memset(mix, 0, (size_t)(o->config.channels * samples) * sizeof *mix);
    for (int64_t c = 0; c < o->config.channels; c++) {
        const float *row = o->input + c * o->in_capacity - o->in_base;
        float *out = mix + c * samples - begin;
        for (int64_t t = from; t < to; t++)
            out[t] = (row[t] - o->mean) / o->scale;
    }
}

/* Stems [sources][channels][samples] of a piece: n samples from `trim`. */
typedef struct result {
    const float *stems;
    int64_t samples, trim, n;
} result;

/* Its part of the track is added from here. */
static void keep_result(dmx_overlap *o, const dmx_pass_state *p,
                        const result *y)
{
    o->last = (dmx_piece_result){.pass = p,
                                 .stems = y->stems,
                                 .samples = y->samples,
                                 .trim = y->trim,
                                 .start = p->next,
                                 .end = p->next + y->n,
                                 .mean = (double)o->mean,
                                 .scale = (double)o->scale};
}

/* Runs a lane's next pieces as a batch, each padded to full length. */
static dmx_status run_lane(dmx_overlap *o, dmx_lane *lane,
                           const dmx_hooks *hooks, dmx_error *err)
{
    const dmx_runner *runner = lane->runner;
    const int64_t one = o->config.channels * runner->samples;
    dmx_pass_state *p;
    int64_t count = 0;
    lane->made = lane->used = 0;
    reset_ahead(o);
    while (count < lane->most && (p = next_of_lane(o, lane)) != NULL) {
        const int64_t n = piece_length(o, &p->pass, p->ahead);
        const int64_t run = full_run(&p->pass);
        load_piece(o, o->mix + count++ * one, runner->samples, run,
                   p->ahead - (run - n) / 2);
        p->ahead += p->pass.stride;
    }
    DMX_FORWARD(count == 1
                    ? runner->run(runner->self, lane->stems, o->mix, hooks, err)
                    : runner->run_batch(runner->self, lane->stems, o->mix,
                                        count, hooks, err));
    lane->made = count;
    return DMX_OK;
}

static dmx_status add_from_lane(dmx_overlap *o, const dmx_pass_state *p,
                                int64_t n, const dmx_hooks *hooks,
                                dmx_error *err)
{
    dmx_lane *lane = p->lane;
    const int64_t samples = lane->runner->samples;
    const int64_t one = o->config.sources * o->config.channels * samples;
    if (lane->used == lane->made)
        DMX_FORWARD(run_lane(o, lane, hooks, err));
    const result y = {lane->stems + lane->used++ * one, samples,
                      (full_run(&p->pass) - n) / 2, n};
    keep_result(o, p, &y);
    return DMX_OK;
}

/* Runs a last piece at a length that the model accepts. */
static dmx_status add_tail(dmx_overlap *o, const dmx_pass_state *p, int64_t n,
                           const dmx_hooks *hooks, dmx_error *err)
{
    dmx_runner tail;
    DMX_FORWARD(p->pass.open_tail(p->pass.context, &tail, n, err));
    const int64_t trim = (tail.samples - n) / 2;
    load_piece(o, o->mix, tail.samples, tail.samples, p->next - trim);
    const dmx_status status = tail.run(tail.self, o->stems, o->mix, hooks, err);
    const result y = {o->stems, tail.samples, trim, n};
    if (status == DMX_OK)
        keep_result(o, p, &y);
    dmx_runner_close(&tail);
    return status;
}

/* Gives back the memory of long results that were folded: runners fill it only
 * when they no longer need as much of their own, or work in it. */
static void forget_results(const dmx_overlap *o)
{
    const int64_t floats = o->config.sources * o->config.channels * o->longest;
    if (floats >= LONG_RESULT)
        dmx_pages_forget(o->stems, (size_t)floats * sizeof *o->stems);
}

dmx_status dmx_overlap_step(dmx_overlap *o, const dmx_hooks *hooks,
                            dmx_error *err)
{
    dmx_pass_state *p = dmx_overlap_head(o);
    const int64_t n = piece_length(o, &p->pass, p->next);
    dmx_overlap_fold(o);
    forget_results(o);
    if (p->next + n > 0)
        DMX_FORWARD(is_tail(&p->pass, n) ? add_tail(o, p, n, hooks, err)
                                         : add_from_lane(o, p, n, hooks, err));
    p->next += p->pass.stride;
    return DMX_OK;
}

int64_t dmx_overlap_pieces(const dmx_overlap *o, int64_t frames)
{
    int64_t pieces = 0;
    for (size_t i = 0; i < o->config.n_pass; i++) {
        const dmx_pass *p = &o->pass[i].pass;
        pieces += (frames - p->origin + p->stride - 1) / p->stride;
    }
    return pieces;
}
