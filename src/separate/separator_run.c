/* One track through the separator: level, segments, callbacks. */
#include "base/memory.h"
#include "base/options.h"
#include "separate/separator.h"
#include "separate/track_level.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK = 16384 }; /* frames read and written at a time */

/* The caller's progress, as pieces of all passes. */
typedef struct piece_progress {
    const dmx_hooks *outer;
    double done, total;
} piece_progress;

typedef struct run_state {
    const dmx_separator *separator;
    const dmx_separator_io *io;
    const dmx_hooks *hooks;
    dmx_overlap *overlap;
    dmx_pass *pass; /* the separator's, with this track's origins */
    float *memory;  /* of all planes below */
    float **input;  /* [channels] */
    float **stems;  /* [stems * channels] */
    float **mix;    /* [channels] */
    int64_t frames; /* -1: not known */
    double mean, std;
    piece_progress progress;
    dmx_hooks piece_hooks;
} run_state;

/* -------------------------------------------------------------- progress */

static int on_piece(void *user, const char *stage, double fraction)
{
    const piece_progress *p = user;
    (void)stage;
    const double done = p->total > 0 ? (p->done + fraction) / p->total : 0;
    return dmx_progress(p->outer, "separate", done < 1 ? done : 1, NULL) !=
           DMX_OK;
}

static void on_warning(void *user, const char *message)
{
    const piece_progress *p = user;
    dmx_warn(p->outer, "%s", message);
}

/* ---------------------------------------------------------------- memory */

static dmx_status allocate(run_state *r, dmx_error *err)
{
    const size_t channels = (size_t)r->separator->channels;
    const size_t rows = (2 + r->separator->n_stem) * channels;
    r->memory = dmx_aligned_alloc(rows * BLOCK, sizeof *r->memory);
    r->input = malloc(rows * sizeof *r->input);
    DMX_RETURN_IF(r->memory == NULL || r->input == NULL, err, DMX_ERROR_MEMORY,
                  "no memory to separate");
    for (size_t i = 0; i < rows; i++)
        r->input[i] = r->memory + i * BLOCK;
    r->mix = r->input + channels;
    r->stems = r->mix + channels;
    return DMX_OK;
}

static void release(run_state *r)
{
    dmx_overlap_close(r->overlap);
    free(r->pass);
    dmx_aligned_free(r->memory);
    free(r->input);
}

/* ----------------------------------------------------------------- level */

static dmx_status read_block(run_state *r, size_t *got, dmx_error *err)
{
    DMX_FORWARD(r->io->read(r->io->user, r->input, BLOCK, got, err));
    DMX_RETURN_IF(*got > BLOCK, err, DMX_ERROR_ARGUMENT,
                  "the read callback gave more than was asked for");
    float bad = 0; /* x - x is NaN for infinities and NaNs */
    for (int64_t c = 0; c < r->separator->channels; c++)
        for (size_t i = 0; i < *got; i++)
            bad += r->input[c][i] - r->input[c][i];
    DMX_RETURN_IF(bad != 0, err, DMX_ERROR_ARGUMENT,
                  "the track has samples that are not finite");
    return DMX_OK;
}

/* Reads the whole track, for its length and level. */
static dmx_status measure(run_state *r, dmx_track_level *level, dmx_error *err)
{
    for (;;) {
        size_t got;
        const double all = (double)r->io->frames;
        const double fraction = all > 0 ? (double)level->frames / all : 0;
        DMX_FORWARD(dmx_progress(r->hooks, "measure",
                                 fraction < 1 ? fraction : 1, err));
        DMX_FORWARD(read_block(r, &got, err));
        if (got == 0)
            break;
        dmx_track_level_add(level, (const float *const *)r->input,
                            (size_t)r->separator->channels, got);
    }
    r->frames = level->frames;
    return r->io->rewind(r->io->user, err);
}

static dmx_status find_track_level(run_state *r, dmx_error *err)
{
    dmx_track_level level = {0};
    DMX_FORWARD(measure(r, &level, err));
    dmx_track_level_get(&level, &r->mean, &r->std);
    DMX_RETURN_IF(!isfinite(r->mean) || !(r->std < 1e30), err,
                  DMX_ERROR_ARGUMENT, "the track's samples are too large");
    return DMX_OK;
}

static dmx_status find_level(run_state *r, dmx_error *err)
{
    const dmx_separator_io *io = r->io;
    r->frames = io->frames;
    r->mean = io->mean;
    r->std = io->std;
    if (io->normalize == DMX_NORMALIZE_TRACK)
        return find_track_level(r, err);
    DMX_RETURN_IF(io->normalize == DMX_NORMALIZE_GIVEN &&
                      !(isfinite(io->mean) && io->std >= 0 && io->std < 1e30),
                  err, DMX_ERROR_ARGUMENT,
                  "mean and std of the track must be finite, std not negative");
    return DMX_OK;
}

/* ------------------------------------------------------------------- run */

/* The length decides what a network draws before the next offset. */
static dmx_status need_length(run_state *r, dmx_error *err)
{
    if (r->frames >= 0 || !dmx_separator_needs_length(r->separator))
        return DMX_OK;
    DMX_RETURN_IF(r->io->rewind == NULL, err, DMX_ERROR_ARGUMENT,
                  "these shifts depend on the track's length: set frames, or "
                  "rewind");
    return measure(r, &(dmx_track_level){0}, err);
}

static dmx_status open_window(run_state *r, dmx_error *err)
{
    DMX_FORWARD(need_length(r, err));
    r->pass = malloc(r->separator->n_pass * sizeof *r->pass);
    DMX_RETURN_IF(r->pass == NULL, err, DMX_ERROR_MEMORY,
                  "no memory to separate");
    dmx_separator_draw_origins(r->separator, r->pass, r->frames);
    const dmx_separator *s = r->separator;
    const bool plain = r->io->normalize == DMX_NORMALIZE_NONE;
    const dmx_overlap_config config = {
        .pass = r->pass,
        .n_pass = s->n_pass,
        .slot = s->slot,
        .channels = s->channels,
        .sources = (int64_t)s->n_source,
        .power = s->options.transition_power,
        .mean = plain ? 0 : (float)r->mean,
        .scale = plain ? 1 : (float)r->std + 1e-8F,
    };
    DMX_FORWARD(dmx_overlap_open(&r->overlap, &config, err));
    if (r->frames > 0)
        r->progress.total = (double)dmx_overlap_pieces(r->overlap, r->frames);
    return DMX_OK;
}

static dmx_status hand_out(run_state *r, dmx_error *err)
{
    for (;;) {
        size_t n;
        DMX_FORWARD(
            dmx_overlap_pull(r->overlap, r->stems, r->mix, BLOCK, &n, err));
        if (n == 0)
            return DMX_OK;
        DMX_FORWARD(r->io->write(r->io->user, (const float *const *)r->stems,
                                 (const float *const *)r->mix, n, err));
    }
}

static dmx_status run_ready(run_state *r, dmx_error *err)
{
    while (dmx_overlap_ready(r->overlap)) {
        DMX_FORWARD(dmx_progress(&r->piece_hooks, "separate", 0, err));
        DMX_FORWARD(dmx_overlap_step(r->overlap, &r->piece_hooks, err));
        r->progress.done++;
        DMX_FORWARD(hand_out(r, err));
    }
    return DMX_OK;
}

static dmx_status push_block(run_state *r, size_t frames, dmx_error *err)
{
    enum { MOST_CHANNELS = 64 };
    const float *planes[MOST_CHANNELS];
    for (size_t at = 0; at < frames;) {
        for (int64_t c = 0; c < r->separator->channels; c++)
            planes[c] = r->input[c] + at;
        at += dmx_overlap_push(r->overlap, planes, frames - at);
        DMX_FORWARD(run_ready(r, err));
    }
    return DMX_OK;
}

/* A length that was only said may be wrong; then the shifts were, too. */
static dmx_status check_length(const run_state *r, int64_t got, dmx_error *err)
{
    DMX_RETURN_IF(dmx_separator_needs_length(r->separator) && got != r->frames,
                  err, DMX_ERROR_ARGUMENT,
                  "the track has %lld frames, not the %lld that its shifts "
                  "were drawn for",
                  (long long)got, (long long)r->frames);
    return DMX_OK;
}

static dmx_status separate(run_state *r, dmx_error *err)
{
    DMX_FORWARD(allocate(r, err));
    DMX_FORWARD(find_level(r, err));
    DMX_FORWARD(open_window(r, err));
    int64_t got_all = 0;
    for (;;) {
        size_t got;
        DMX_FORWARD(read_block(r, &got, err));
        if (got == 0)
            break;
        got_all += (int64_t)got;
        DMX_FORWARD(push_block(r, got, err));
    }
    dmx_overlap_end(r->overlap);
    DMX_FORWARD(run_ready(r, err));
    DMX_FORWARD(check_length(r, got_all, err));
    return dmx_progress(r->hooks, "separate", 1, err);
}

dmx_status dmx_separator_run(dmx_separator *separator,
                             const dmx_separator_io *given,
                             const dmx_hooks *hooks, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, separator);
    DMX_RETURN_IF(given == NULL, err, DMX_ERROR_ARGUMENT,
                  "dmx_separator_io: start with DMX_SEPARATOR_IO_INIT and set "
                  "read and write");
    dmx_separator_io io = DMX_SEPARATOR_IO_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&io, given, dmx_separator_io, err));
    DMX_RETURN_IF(io.read == NULL || io.write == NULL, err, DMX_ERROR_ARGUMENT,
                  "dmx_separator_io: set read and write");
    DMX_RETURN_IF(io.normalize == DMX_NORMALIZE_TRACK && io.rewind == NULL, err,
                  DMX_ERROR_ARGUMENT,
                  "normalising by the track needs a rewind callback");
    run_state r = {.separator = separator, .io = &io, .hooks = hooks};
    r.progress.outer = hooks;
    r.piece_hooks = (dmx_hooks){.size = sizeof(dmx_hooks),
                                .user = &r.progress,
                                .warn = on_warning,
                                .progress = on_piece};
    const dmx_status status = separate(&r, err);
    release(&r);
    return status;
}
