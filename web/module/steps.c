/* One track in steps, so that the host can run networks, or do anything else,
 * in between. */
#include "module.h"
#include "graph.h"
#include "state.h"

#include "base/memory.h"
#include "separate/separation.h"
#include "separate/track_level.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK = 16384 };

struct web_track {
    dmx_separator *separator;
    dmx_separation *separation; /* from the first push on */
    dmx_track_level level;
    float *memory;
    float **input, **mix, **stems; /* rows of BLOCK frames */
    bool exact;
};

static dmx_status allocate(web_track *t, dmx_error *err)
{
    const size_t channels = (size_t)dmx_separator_channels(t->separator);
    const size_t rows = (2 + dmx_separator_stems(t->separator)) * channels;
    t->memory = dmx_aligned_alloc(rows * BLOCK, sizeof *t->memory);
    t->input = malloc(rows * sizeof *t->input);
    DMX_RETURN_IF(t->memory == NULL || t->input == NULL, err, DMX_ERROR_MEMORY,
                  "no memory to separate");
    for (size_t i = 0; i < rows; i++)
        t->input[i] = t->memory + i * BLOCK;
    t->mix = t->input + channels;
    t->stems = t->mix + channels;
    return DMX_OK;
}

static dmx_status open_track(web_track **out, dmx_separator *separator,
                             bool exact, dmx_error *err)
{
    if (exact)
        DMX_FORWARD(web_check_exact(separator, err));
    web_track *t = calloc(1, sizeof *t);
    DMX_RETURN_IF(t == NULL, err, DMX_ERROR_MEMORY, "no memory to separate");
    t->separator = separator;
    t->exact = exact;
    const dmx_status status = allocate(t, err);
    if (status != DMX_OK) {
        web_track_close(t);
        return status;
    }
    *out = t;
    return DMX_OK;
}

web_track *web_track_open(dmx_separator *separator, int exact_sum)
{
    web_track *track = NULL;
    dmx_error_clear(web_last_error());
    web_forget_request();
    return open_track(&track, separator, exact_sum != 0, web_last_error()) ==
                   DMX_OK
               ? track
               : NULL;
}

void web_track_close(web_track *track)
{
    if (track == NULL)
        return;
    web_forget_request();
    dmx_separation_close(track->separation);
    dmx_aligned_free(track->memory);
    free(track->input);
    free(track);
}

int web_track_block(void)
{
    return BLOCK;
}

float **web_track_input(web_track *track)
{
    return track->input;
}

float **web_track_stems(web_track *track)
{
    return track->stems;
}

static dmx_status measure(web_track *t, size_t frames, dmx_error *err)
{
    const float *const *planes = (const float *const *)t->input;
    const int64_t channels = dmx_separator_channels(t->separator);
    DMX_RETURN_IF(frames > BLOCK || t->separation != NULL, err,
                  DMX_ERROR_ARGUMENT, "a block of the track is out of turn");
    DMX_RETURN_IF(!dmx_planes_finite(planes, channels, frames), err,
                  DMX_ERROR_ARGUMENT,
                  "the track has samples that are not finite");
    dmx_track_level_add(&t->level, planes, (size_t)channels, frames);
    return DMX_OK;
}

int web_track_measure(web_track *track, int frames)
{
    return measure(track, (size_t)frames, web_last_error()) != DMX_OK;
}

static dmx_status start(web_track *t, dmx_error *err)
{
    dmx_separation_options options = DMX_SEPARATION_OPTIONS_INIT;
    options.normalize = DMX_NORMALIZE_GIVEN;
    options.frames = t->level.frames;
    dmx_track_level_get(&t->level, &options.mean, &options.std);
    DMX_RETURN_IF(!isfinite(options.mean) || !(options.std < 1e30), err,
                  DMX_ERROR_RUNTIME,
                  "the track's samples are too large to be measured (far "
                  "beyond full scale): scale it down first");
    return dmx_separation_open(&t->separation, t->separator, &options, err);
}

int web_track_push(web_track *track, int frames)
{
    dmx_error *err = web_last_error();
    size_t taken;
    if (track->separation == NULL && start(track, err) != DMX_OK)
        return -1;
    if (frames == 0)
        return dmx_separation_flush(track->separation, err) != DMX_OK ? -1 : 0;
    const dmx_status status = dmx_separation_push(
        track->separation, (const float *const *)track->input,
        frames < BLOCK ? (size_t)frames : BLOCK, &taken, err);
    return status == DMX_OK ? (int)taken : -1;
}

int web_track_pull(web_track *track)
{
    const dmx_hooks hooks = web_hooks();
    size_t got;
    const dmx_status status =
        dmx_separation_pull(track->separation, track->stems, track->mix, BLOCK,
                            &got, &hooks, web_last_error());
    if (status == DMX_OK && got > 0 && track->exact)
        web_make_exact(track->separator, (const float *const *)track->stems,
                       (const float *const *)track->mix, got);
    if (status == DMX_OK)
        return (int)got;
    return web_graph_request() != NULL ? WEB_RUN_GRAPH : -1;
}
