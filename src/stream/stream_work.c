/* The worker: runs the models on windows of the history. */
#include "base/options.h"
#include "stream/stream.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* How long the worker, and threads that wait for it, sleep between polls: an
 * audio thread can't wake another thread without a system call. */
#define LOOK_NS 1000000

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_a_little(void)
{
    const struct timespec t = {0, LOOK_NS};
    nanosleep(&t, NULL);
}

/* ----------------------------------------------------------------- input */

/* Discards the history before `position`. */
static void forget(dmx_stream *s, int64_t position)
{
    memset(s->past, 0,
           (size_t)(s->channels * s->windows.longest) * sizeof *s->past);
    memset(s->next, 0, (size_t)(s->channels * s->cover.hop) * sizeof *s->next);
    s->level = (dmx_track_level){0};
    s->begin = position;
}

/* Frames from the reader's position up to the next mark, at most n. */
static int64_t unmarked(const dmx_stream *s, int64_t from, int64_t n)
{
    int64_t i = 0;
    while (i < n && s->mark[(from + i) & (s->in.capacity - 1)] == 0)
        i++;
    return i;
}

/* Reads frames from the ring into `next`; NaN and infinity, which would persist
 * in the level, become 0. */
static void take_frames(dmx_stream *s, int64_t from, int64_t n)
{
    int64_t bad = 0;
    for (int64_t c = 0; c < s->channels; c++) {
        float *to = s->next + c * s->cover.hop + s->filled;
        dmx_ring_get(&s->in, c, from, to, n);
        for (int64_t i = 0; i < n; i++)
            if (!isfinite(to[i])) {
                to[i] = 0;
                bad++;
            }
    }
    if (bad > 0)
        atomic_fetch_add(&s->nonfinite, bad);
    s->filled += n;
    dmx_ring_take_to(&s->in, from + n);
}

/* Completes `next`; false while too little input has arrived. */
static bool fill_hop(dmx_stream *s)
{
    while (s->filled < s->cover.hop) {
        const int64_t want = s->cover.hop - s->filled;
        if (s->gap > 0) { /* zeros, as left by `forget` */
            const int64_t n = s->gap < want ? s->gap : want;
            s->gap -= n;
            s->filled += n;
            continue;
        }
        const int64_t from = dmx_ring_taken(&s->in);
        const int64_t here = dmx_ring_written(&s->in) - from;
        if (here == 0)
            return false;
        int64_t *mark = &s->mark[from & (s->in.capacity - 1)];
        if (*mark != 0) {
            s->gap = *mark - 1;
            *mark = 0;
            forget(s, s->fed + s->filled + s->gap);
            continue;
        }
        take_frames(s, from, unmarked(s, from, here < want ? here : want));
    }
    return true;
}

/* Advances the history by the complete hop. */
static void take_hop(dmx_stream *s)
{
    const int64_t hop = s->cover.hop, longest = s->windows.longest;
    const int64_t skip = s->begin > s->fed ? s->begin - s->fed : 0;
    const float *planes[DMX_OVERLAP_CHANNELS];
    for (int64_t c = 0; c < s->channels; c++) {
        float *past = s->past + c * longest;
        memmove(past, past + hop, (size_t)(longest - hop) * sizeof *past);
        memcpy(past + longest - hop, s->next + c * hop,
               (size_t)hop * sizeof *past);
        planes[c] = s->next + c * hop + skip;
    }
    if (skip < hop)
        dmx_track_level_add(&s->level, planes, (size_t)s->channels,
                            (size_t)(hop - skip));
    /* Clears it, for a later gap. */
    memset(s->next, 0, (size_t)(s->channels * hop) * sizeof *s->next);
    s->filled = 0;
    s->fed += hop;
}

/* ------------------------------------------------------------------ runs */

static int asked_to_stop(void *user, const char *stage, double fraction)
{
    const dmx_stream *s = user;
    (void)stage, (void)fraction;
    return atomic_load(&s->stop);
}

/* What this run would complete is too late to be played: the worker is behind,
 * and catches up by skipping it. */
static bool too_late(const dmx_stream *s)
{
    const dmx_cover *c = &s->cover;
    return s->fed - c->lookahead - c->region + c->hop <= atomic_load(&s->heard);
}

static void note_time(dmx_stream *s, int64_t ns)
{
    atomic_fetch_add(&s->runs, 1);
    atomic_fetch_add(&s->busy_ns, ns);
    if (ns > atomic_load(&s->worst_ns))
        atomic_store(&s->worst_ns, ns);
}

static dmx_status run_window(dmx_stream *s, dmx_error *err)
{
    const dmx_hooks hooks = {
        .size = sizeof hooks, .user = s, .progress = asked_to_stop};
    const int64_t start = now_ns();
    double mean, std;
    int64_t bad = 0;
    dmx_track_level_get(&s->level, &mean, &std);
    const dmx_window_level level = {(float)mean, (float)std + 1e-8F};
    DMX_FORWARD(dmx_windows_run(&s->windows, s->stems, s->keep, s->past, &level,
                                &bad, &hooks, err));
    dmx_cover_add(&s->cover, s->stems, s->keep, s->fed, s->begin);
    if (bad > 0)
        atomic_fetch_add(&s->nonfinite, bad);
    note_time(s, now_ns() - start);
    return DMX_OK;
}

/* Publishes the oldest hop of the region, which is complete. */
static void publish_hop(dmx_stream *s)
{
    const dmx_cover *c = &s->cover;
    const int64_t first = s->fed - c->lookahead - c->region;
    const int64_t cut = first >= 0 ? 0 : first < -c->hop ? c->hop : -first;
    if (cut < c->hop) {
        for (int64_t r = 0; r <= s->outputs; r++)
            dmx_ring_put(&s->out, r, first + cut, c->sum + r * c->region + cut,
                         c->hop - cut);
        dmx_ring_write_to(&s->out, first + c->hop);
    }
    dmx_cover_advance(&s->cover);
}

/* After a failure the stream continues without stems. */
static dmx_status note_failure(dmx_stream *s, dmx_status status,
                               const dmx_error *err)
{
    if (!atomic_load(&s->failed)) {
        s->error = *err;
        s->error.code = status;
        atomic_store(&s->failed, true);
    }
    return status;
}

dmx_status dmx_stream_step(dmx_stream *s, bool *ran, dmx_error *err)
{
    dmx_status status = DMX_OK;
    *ran = fill_hop(s);
    if (!*ran) {
        atomic_store(&s->settled, dmx_ring_taken(&s->in));
        return DMX_OK;
    }
    take_hop(s);
    const bool silent = !dmx_cover_reaches(&s->cover, s->fed, s->begin) ||
                        atomic_load(&s->failed);
    if (!silent && too_late(s))
        atomic_fetch_add(&s->skipped, 1);
    else if (!silent)
        status = run_window(s, err);
    publish_hop(s);
    return status;
}

void dmx_stream_serve(void *argument)
{
    dmx_stream *s = argument;
    while (!atomic_load(&s->stop)) {
        bool ran;
        dmx_error err = DMX_ERROR_INIT;
        const dmx_status status = dmx_stream_step(s, &ran, &err);
        if (status != DMX_OK && status != DMX_ERROR_CANCELLED)
            (void)note_failure(s, status, &err);
        if (!ran)
            sleep_a_little();
    }
}

/* ---------------------------------------------------------------- callers */

dmx_status dmx_stream_work(dmx_stream *s, int *ran, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, ran);
    *ran = 0;
    DMX_NEED(err, s);
    DMX_RETURN_IF(s->thread != NULL, err, DMX_ERROR_ARGUMENT,
                  "dmx_stream_work: the stream has a thread of its own; open "
                  "it with options.manual");
    bool did;
    dmx_error own = DMX_ERROR_INIT;
    const dmx_status status = dmx_stream_step(s, &did, &own);
    *ran = did;
    if (status != DMX_OK)
        (void)note_failure(s, status, &own);
    return dmx_stream_status(s, err);
}

dmx_status dmx_stream_status(const dmx_stream *s, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, s);
    return atomic_load(&s->failed)
               ? dmx_fail(err, s->error.code, "%s", s->error.message)
               : DMX_OK;
}

/* Whether the next block's output has arrived, or needs more input first. */
static bool is_settled(const dmx_stream *s, int64_t frames)
{
    return s->time + frames - s->latency <= dmx_ring_written(&s->out) ||
           atomic_load(&s->settled) == dmx_ring_written(&s->in);
}

dmx_status dmx_stream_wait(dmx_stream *s, size_t frames, const dmx_hooks *hooks,
                           dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, s);
    while (!is_settled(s, (int64_t)frames)) {
        DMX_FORWARD(dmx_progress(hooks, "stream", 0, err));
        int ran = 0;
        if (s->thread == NULL)
            DMX_FORWARD(dmx_stream_work(s, &ran, err));
        else
            sleep_a_little();
    }
    return dmx_stream_status(s, err);
}

void dmx_stream_stats(const dmx_stream *s, dmx_stream_statistics *out)
{
    if (s == NULL)
        return;
    const double hop = (double)s->cover.hop / (double)s->rate;
    const int64_t runs = atomic_load(&s->runs);
    const double busy = 1e-9 * (double)atomic_load(&s->busy_ns);
    const dmx_stream_statistics all = {
        .runs = runs,
        .skipped_runs = atomic_load(&s->skipped),
        .late_frames = atomic_load(&s->late),
        .lost_frames = atomic_load(&s->lost_frames),
        .nonfinite = atomic_load(&s->nonfinite),
        .mean_load = runs > 0 ? busy / (double)runs / hop : 0,
        .worst_load = 1e-9 * (double)atomic_load(&s->worst_ns) / hop,
        .latency = s->latency,
        .algorithmic_latency = s->algorithmic,
    };
    dmx_report_give(out, &all, sizeof all);
}
