/* Measures what live modes cost in quality: windows of a song with known stems
 * are run once for every end position that a mode needs, then crossfaded for
 * each mode. */
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/options.h"
#include "stream/stream.h"
#include "stream/trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 }; /* hops, and lookaheads */

typedef struct mode {
    dmx_stream_options options;
    bool fits; /* fits in the window */
    dmx_cover cover;
    double *noise; /* [stems] */
} mode;

typedef struct evaluation {
    const dmx_evaluation_options *o;
    dmx_separator *separator;
    dmx_windows windows;
    dmx_trial trial;
    dmx_track_level level;
    mode *mode;
    size_t modes, stems;
    int64_t keep, runs;
    double seconds;  /* of all runs */
    double *offline; /* [stems] noise */
    float *past, *y;
} evaluation;

/* ----------------------------------------------------------------- modes */

static dmx_status open_mode(evaluation *e, mode *m, double hop,
                            double lookahead, dmx_error *err)
{
    dmx_cover_shape shape;
    dmx_error unfit = DMX_ERROR_INIT;
    m->options = (dmx_stream_options){
        .hop = hop,
        .lookahead = lookahead > 0 ? lookahead : -1,
        .fade = e->o->fade == 0 ? fmin(DMX_STREAM_FADE, hop) : e->o->fade,
        .covers = e->o->covers};
    m->noise = calloc(e->stems, sizeof *m->noise);
    DMX_RETURN_IF(m->noise == NULL, err, DMX_ERROR_MEMORY, "no memory");
    const dmx_status status =
        dmx_stream_shape(&shape, &m->options, &e->windows, &unfit);
    if (status != DMX_OK && hop >= DMX_STREAM_LEAST_HOP && hop <= 60 &&
        lookahead >= 0 && lookahead <= 60)
        return DMX_OK; /* longer than the window: skipped */
    DMX_RETURN_IF(status != DMX_OK, err, status, "%s", unfit.message);
    m->fits = true;
    const int64_t used = shape.lookahead + dmx_cover_region(&shape);
    e->keep = used > e->keep ? used : e->keep;
    return dmx_cover_open(&m->cover, e->windows.rows, &shape, 1, err);
}

static dmx_status open_modes(evaluation *e, dmx_error *err)
{
    const dmx_evaluation_options *o = e->o;
    bool any = false;
    e->mode = calloc(o->hops * o->lookaheads, sizeof *e->mode);
    DMX_RETURN_IF(e->mode == NULL, err, DMX_ERROR_MEMORY, "no memory");
    for (size_t h = 0; h < o->hops; h++)
        for (size_t a = 0; a < o->lookaheads; a++) {
            mode *m = &e->mode[e->modes++];
            DMX_FORWARD(open_mode(e, m, o->hop[h], o->lookahead[a], err));
            any = any || m->fits;
        }
    DMX_RETURN_IF(!any, err, DMX_ERROR_ARGUMENT,
                  "no hop and lookahead fits into the window of %.3g s",
                  (double)e->windows.shortest /
                      (double)e->separator->samplerate);
    return DMX_OK;
}

static int64_t next_end(const mode *m, int64_t end, int64_t length)
{
    const int64_t hop = m->cover.hop;
    const int64_t next = end - end % hop + hop;
    const int64_t last = length + m->cover.lookahead + m->cover.region;
    return m->fits && next - hop < last ? next : INT64_MAX;
}

/* ------------------------------------------------------------------ runs */

static void load_past(evaluation *e, int64_t end)
{
    const dmx_trial *t = &e->trial;
    const int64_t longest = e->windows.longest;
    for (int64_t c = 0; c < t->channels; c++)
        for (int64_t i = 0; i < longest; i++) {
            const int64_t at = end - longest + i;
            e->past[c * longest + i] =
                at >= 0 && at < t->length ? t->mix[c * t->length + at] : 0;
        }
}

static void extend_level(evaluation *e, int64_t end)
{
    const dmx_trial *t = &e->trial;
    const int64_t to = end < t->length ? end : t->length;
    const float *planes[2];
    for (int64_t c = 0; c < t->channels; c++)
        planes[c] = t->mix + c * t->length + e->level.frames;
    if (to > e->level.frames)
        dmx_track_level_add(&e->level, planes, (size_t)t->channels,
                            (size_t)(to - e->level.frames));
}

static dmx_status run_window(evaluation *e, int64_t end, dmx_error *err)
{
    double mean, std;
    int64_t bad = 0;
    load_past(e, end);
    extend_level(e, end);
    dmx_track_level_get(&e->level, &mean, &std);
    const dmx_window_level level = {(float)mean, (float)std + 1e-8F};
    const double start = dmx_seconds();
    DMX_FORWARD(dmx_windows_run(&e->windows, e->y, e->keep, e->past, &level,
                                &bad, NULL, err));
    e->seconds += dmx_seconds() - start;
    e->runs++;
    return DMX_OK;
}

static void score(evaluation *e, mode *m, int64_t end)
{
    dmx_cover *c = &m->cover;
    const int64_t first = end - c->lookahead - c->region;
    dmx_cover_add(c, e->y, e->keep, end, 0);
    dmx_trial_compare(&e->trial, m->noise, c->sum, c->region, first, c->hop);
    dmx_cover_advance(c);
}

static dmx_status run_all(evaluation *e, dmx_error *err)
{
    const int64_t length = e->trial.length;
    for (int64_t end = 0;;) {
        int64_t next = INT64_MAX;
        for (size_t i = 0; i < e->modes; i++) {
            const int64_t at = next_end(&e->mode[i], end, length);
            next = at < next ? at : next;
        }
        if (next == INT64_MAX)
            return DMX_OK;
        const double done = (double)next / (double)length;
        DMX_FORWARD(
            dmx_progress(e->o->hooks, "stream", done < 1 ? done : 1, err));
        DMX_FORWARD(run_window(e, next, err));
        for (size_t i = 0; i < e->modes; i++)
            if (next_end(&e->mode[i], end, length) == next)
                score(e, &e->mode[i], next);
        end = next;
    }
}

/* ---------------------------------------------------------------- report */

static bool add_number(dmx_json *object, const char *key, double value)
{
    return (isfinite(value) ? dmx_json_add_number(object, key, value)
                            : dmx_json_add_null(object, key)) != NULL;
}

/* Adds "mean", over the stems that are not silent, and the score of each. */
static void add_scores(const evaluation *e, dmx_json *item, const double *noise)
{
    double sum = 0;
    int count = 0;
    dmx_json *list = dmx_json_add_object(item, "stems");
    for (size_t k = 0; k < e->stems; k++) {
        const double sdr = dmx_trial_sdr(&e->trial, k, noise[k]);
        add_number(list, dmx_separator_stem(e->separator, k), sdr);
        if (!isnan(sdr)) {
            sum += sdr;
            count++;
        }
    }
    add_number(item, "mean_sdr", sum / count);
}

static void add_mode(const evaluation *e, dmx_json *list, const mode *m)
{
    const double rate = (double)e->separator->samplerate;
    dmx_json *item = dmx_json_new(DMX_JSON_OBJECT);
    add_number(item, "hop", m->options.hop);
    add_number(item, "lookahead", fmax(0, m->options.lookahead));
    if (m->fits) {
        add_number(item, "algorithmic_latency",
                   (double)(m->cover.lookahead + m->cover.region) / rate);
        add_number(item, "load", e->seconds / (double)e->runs / m->options.hop);
        add_scores(e, item, m->noise);
    }
    if (!dmx_json_append(list, item))
        dmx_json_free(item);
}

static char *document(const evaluation *e)
{
    const double rate = (double)e->separator->samplerate;
    dmx_json *root = dmx_json_new(DMX_JSON_OBJECT);
    add_number(root, "seconds", (double)e->trial.length / rate);
    add_number(root, "window", (double)e->windows.longest / rate);
    add_number(root, "run_seconds", e->seconds / (double)e->runs);
    dmx_json_add_string(root, "engine", dmx_separator_backend(e->separator));
    if (e->o->offline != NULL)
        add_scores(e, dmx_json_add_object(root, "offline"), e->offline);
    dmx_json *list = dmx_json_add_array(root, "modes");
    for (size_t i = 0; i < e->modes; i++)
        add_mode(e, list, &e->mode[i]);
    char *text = dmx_json_print(root);
    dmx_json_free(root);
    return text;
}

/* ---------------------------------------------------------------- public */

static dmx_status check_options(const dmx_evaluation_options *o,
                                const dmx_separator *s, dmx_error *err)
{
    DMX_RETURN_IF(
        o->hop == NULL || o->lookahead == NULL || o->hops == 0 ||
            o->lookaheads == 0 || o->hops > MOST || o->lookaheads > MOST,
        err, DMX_ERROR_ARGUMENT,
        "dmx_evaluation_options: set 1 to %d hops and lookaheads", MOST);
    DMX_FORWARD(dmx_check_range("seconds", o->seconds, 0, 3600, err));
    DMX_RETURN_IF(o->offline != NULL &&
                      (dmx_separator_stems(o->offline) != s->n_stem ||
                       o->offline->channels != s->channels ||
                       o->offline->samplerate != s->samplerate),
                  err, DMX_ERROR_ARGUMENT,
                  "the offline separator has other stems, channels or rate");
    return DMX_OK;
}

static dmx_status evaluate(evaluation *e, const char *song,
                           const char *const *truth, dmx_error *err)
{
    const dmx_evaluation_options *o = e->o;
    const double seconds = o->seconds > 0 ? o->seconds : 60;
    DMX_FORWARD(dmx_windows_open(&e->windows, e->separator, err));
    DMX_FORWARD(open_modes(e, err));
    DMX_FORWARD(dmx_trial_open(&e->trial, e->separator, song, truth, seconds,
                               o->hooks, err));
    e->offline = calloc(e->stems, sizeof *e->offline);
    e->past = dmx_aligned_alloc(
        (size_t)(e->trial.channels * e->windows.longest), sizeof(float));
    e->y =
        dmx_aligned_alloc((size_t)(e->windows.rows * e->keep), sizeof(float));
    DMX_RETURN_IF(e->offline == NULL || e->past == NULL || e->y == NULL, err,
                  DMX_ERROR_MEMORY, "no memory to evaluate");
    if (o->offline != NULL)
        DMX_FORWARD(dmx_trial_offline(e->offline, &e->trial, o->offline,
                                      o->hooks, err));
    return run_all(e, err);
}

static void release(evaluation *e)
{
    for (size_t i = 0; i < e->modes; i++) {
        dmx_cover_close(&e->mode[i].cover);
        free(e->mode[i].noise);
    }
    free(e->mode);
    free(e->offline);
    dmx_aligned_free(e->past);
    dmx_aligned_free(e->y);
    dmx_trial_close(&e->trial);
    dmx_windows_close(&e->windows);
}

dmx_status dmx_stream_evaluate(char **json, dmx_separator *separator,
                               const char *song, const char *const *truth,
                               const dmx_evaluation_options *options,
                               dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, json);
    *json = NULL;
    DMX_NEED(err, separator);
    DMX_NEED(err, song);
    DMX_NEED(err, truth);
    DMX_NEED(err, options);
    dmx_evaluation_options o = DMX_EVALUATION_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_evaluation_options, err));
    DMX_FORWARD(check_options(&o, separator, err));
    evaluation e = {
        .o = &o, .separator = separator, .stems = separator->n_stem};
    const dmx_status status = evaluate(&e, song, truth, err);
    if (status == DMX_OK)
        *json = document(&e);
    release(&e);
    DMX_RETURN_IF(status == DMX_OK && *json == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a report");
    return status;
}
