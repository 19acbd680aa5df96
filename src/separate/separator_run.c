/* One track through the separator: level, segments, callbacks. */
#include "base/memory.h"
#include "base/options.h"
#include "separate/separation.h"
#include "separate/track_level.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK = 16384 }; /* frames read and written at a time */

typedef struct run_state {
    dmx_separator *separator;
    const dmx_separator_io *io;
    const dmx_hooks *hooks;
    dmx_separation *separation;
    float *memory;  /* of all planes below */
    float **input;  /* [channels] */
    float **stems;  /* [stems * channels] */
    float **mix;    /* [channels] */
    int64_t frames; /* -1: not known */
    double mean, std;
} run_state;

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
    dmx_separation_close(r->separation);
    dmx_aligned_free(r->memory);
    free(r->input);
}

/* ----------------------------------------------------------------- level */

static dmx_status read_block(run_state *r, size_t *got, dmx_error *err)
{
    DMX_FORWARD(r->io->read(r->io->user, r->input, BLOCK, got, err));
    DMX_RETURN_IF(*got > BLOCK, err, DMX_ERROR_ARGUMENT,
                  "the read callback gave more than was asked for");
    return DMX_OK;
}

/* Reads the whole track to measure its length and level. */
static dmx_status measure(run_state *r, dmx_track_level *level, dmx_error *err)
{
    const float *const *input = (const float *const *)r->input;
    const int64_t channels = r->separator->channels;
    for (;;) {
        size_t got;
        const double all = (double)r->io->frames;
        const double fraction = all > 0 ? (double)level->frames / all : 0;
        DMX_FORWARD(dmx_progress(r->hooks, "measure",
                                 fraction < 1 ? fraction : 1, err));
        DMX_FORWARD(read_block(r, &got, err));
        if (got == 0)
            break;
        DMX_RETURN_IF(!dmx_planes_finite(input, channels, got), err,
                      DMX_ERROR_ARGUMENT,
                      "the track has samples that are not finite");
        dmx_track_level_add(level, input, (size_t)channels, got);
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
                  DMX_ERROR_RUNTIME,
                  "the track's samples are too large to be measured (far "
                  "beyond full scale): scale it down first");
    return DMX_OK;
}

static dmx_status find_level(run_state *r, dmx_error *err)
{
    const dmx_separator_io *io = r->io;
    r->frames = io->frames;
    r->mean = io->mean;
    r->std = io->std;
    return io->normalize == DMX_NORMALIZE_TRACK ? find_track_level(r, err)
                                                : DMX_OK;
}

/* ------------------------------------------------------------------- run */

/* The length determines how many numbers a network draws before the next
 * offset. */
static dmx_status need_length(run_state *r, dmx_error *err)
{
    if (r->frames >= 0 || r->io->rewind == NULL ||
        !dmx_separator_needs_length(r->separator))
        return DMX_OK;
    return measure(r, &(dmx_track_level){0}, err);
}

static dmx_status open_separation(run_state *r, dmx_error *err)
{
    dmx_separation_options o = DMX_SEPARATION_OPTIONS_INIT;
    const bool measured = r->io->normalize == DMX_NORMALIZE_TRACK;
    DMX_FORWARD(need_length(r, err));
    o.normalize = measured ? DMX_NORMALIZE_GIVEN : r->io->normalize;
    o.mean = r->mean;
    o.std = r->std;
    o.frames = r->frames;
    return dmx_separation_open(&r->separation, r->separator, &o, err);
}

static dmx_status hand_out(run_state *r, dmx_error *err)
{
    for (;;) {
        size_t n;
        DMX_FORWARD(dmx_separation_pull(r->separation, r->stems, r->mix, BLOCK,
                                        &n, r->hooks, err));
        if (n == 0)
            return DMX_OK;
        DMX_FORWARD(r->io->write(r->io->user, (const float *const *)r->stems,
                                 (const float *const *)r->mix, n, err));
    }
}

static dmx_status push_block(run_state *r, size_t frames, dmx_error *err)
{
    const float *planes[DMX_OVERLAP_CHANNELS];
    for (size_t at = 0; at < frames;) {
        size_t taken;
        for (int64_t c = 0; c < r->separator->channels; c++)
            planes[c] = r->input[c] + at;
        DMX_FORWARD(dmx_separation_push(r->separation, planes, frames - at,
                                        &taken, err));
        at += taken;
        DMX_FORWARD(hand_out(r, err));
    }
    return DMX_OK;
}

static dmx_status separate(run_state *r, dmx_error *err)
{
    DMX_FORWARD(allocate(r, err));
    DMX_FORWARD(find_level(r, err));
    DMX_FORWARD(open_separation(r, err));
    for (;;) {
        size_t got;
        DMX_FORWARD(read_block(r, &got, err));
        if (got == 0)
            break;
        DMX_FORWARD(push_block(r, got, err));
    }
    const dmx_status length = dmx_separation_flush(r->separation, err);
    DMX_FORWARD(hand_out(r, err));
    DMX_FORWARD(length);
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
    const dmx_status status = separate(&r, err);
    release(&r);
    return status;
}
