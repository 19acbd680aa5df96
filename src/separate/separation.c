/* Separates one track that the caller pushes and whose stems it pulls. */
#include "separate/separation.h"
#include "base/options.h"

#include <math.h>
#include <stdlib.h>

struct dmx_separation {
    const dmx_separator *separator;
    dmx_separation_options options;
    dmx_overlap *overlap;
    dmx_pass *pass; /* the separator's, with this track's origins */
    int64_t received;
    bool flushed;
    /* Progress in pieces, over all passes; total 0: not known. */
    const dmx_hooks *outer;
    double done, total;
};

/* ------------------------------------------------------------------ open */

static dmx_status check_options(const dmx_separation_options *o,
                                const dmx_separator *s, dmx_error *err)
{
    DMX_RETURN_IF(o->normalize == DMX_NORMALIZE_TRACK, err, DMX_ERROR_ARGUMENT,
                  "the level of a whole track is not known before its end: "
                  "give it, or use DMX_NORMALIZE_RUNNING");
    DMX_RETURN_IF(o->normalize < DMX_NORMALIZE_TRACK ||
                      o->normalize > DMX_NORMALIZE_RUNNING,
                  err, DMX_ERROR_ARGUMENT, "normalize: %d is none of those",
                  (int)o->normalize);
    DMX_RETURN_IF(o->normalize == DMX_NORMALIZE_GIVEN &&
                      !(isfinite(o->mean) && o->std >= 0 && o->std < 1e30),
                  err, DMX_ERROR_ARGUMENT,
                  "mean and std of the track must be finite, std not negative");
    DMX_RETURN_IF(o->frames < 0 && dmx_separator_needs_length(s), err,
                  DMX_ERROR_ARGUMENT,
                  "these shifts depend on the track's length: set frames, or "
                  "rewind");
    return DMX_OK;
}

static dmx_status open_overlap(dmx_separation *r, dmx_error *err)
{
    const dmx_separator *s = r->separator;
    r->pass = malloc(s->n_pass * sizeof *r->pass);
    DMX_RETURN_IF(r->pass == NULL, err, DMX_ERROR_MEMORY,
                  "no memory to separate");
    dmx_separator_draw_origins(s, r->pass, r->options.frames);
    const bool given = r->options.normalize == DMX_NORMALIZE_GIVEN;
    const dmx_overlap_config config = {
        .pass = r->pass,
        .n_pass = s->n_pass,
        .slot = s->slot,
        .channels = s->channels,
        .sources = (int64_t)s->n_source,
        .power = s->options.transition_power,
        .mean = given ? (float)r->options.mean : 0,
        .scale = given ? (float)r->options.std + 1e-8F : 1,
        .running = r->options.normalize == DMX_NORMALIZE_RUNNING,
    };
    DMX_FORWARD(dmx_overlap_open(&r->overlap, &config, err));
    if (r->options.frames > 0)
        r->total = (double)dmx_overlap_pieces(r->overlap, r->options.frames);
    return DMX_OK;
}

dmx_status dmx_separation_open(dmx_separation **out, dmx_separator *separator,
                               const dmx_separation_options *options,
                               dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, separator);
    dmx_separation_options o = DMX_SEPARATION_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_separation_options, err));
    DMX_FORWARD(check_options(&o, separator, err));
    dmx_separation *r = calloc(1, sizeof *r);
    DMX_RETURN_IF(r == NULL, err, DMX_ERROR_MEMORY, "no memory to separate");
    r->separator = separator;
    r->options = o;
    const dmx_status status = open_overlap(r, err);
    if (status != DMX_OK) {
        dmx_separation_close(r);
        return status;
    }
    *out = r;
    return DMX_OK;
}

void dmx_separation_close(dmx_separation *r)
{
    if (r == NULL)
        return;
    dmx_overlap_close(r->overlap);
    free(r->pass);
    free(r);
}

int64_t dmx_separation_latency(const dmx_separation *r)
{
    return r != NULL ? dmx_overlap_latency(r->overlap) : 0;
}

void dmx_separation_reset(dmx_separation *r)
{
    if (r == NULL)
        return;
    dmx_overlap_reset(r->overlap);
    r->received = 0;
    r->flushed = false;
    r->done = 0;
}

/* ----------------------------------------------------------------- input */

/* x - x is NaN for infinities and NaNs. */
bool dmx_planes_finite(const float *const *planes, int64_t channels,
                       size_t frames)
{
    float bad = 0;
    for (int64_t c = 0; c < channels; c++)
        for (size_t i = 0; i < frames; i++)
            bad += planes[c][i] - planes[c][i];
    return bad == 0;
}

dmx_status dmx_separation_push(dmx_separation *r, const float *const *mix,
                               size_t frames, size_t *taken, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, taken);
    *taken = 0;
    DMX_NEED(err, r);
    if (frames == 0)
        return DMX_OK;
    DMX_NEED(err, mix);
    DMX_RETURN_IF(r->flushed, err, DMX_ERROR_ARGUMENT,
                  "the track has been flushed: reset before another begins");
    DMX_RETURN_IF(!dmx_planes_finite(mix, r->separator->channels, frames), err,
                  DMX_ERROR_ARGUMENT,
                  "the track has samples that are not finite");
    *taken = dmx_overlap_push(r->overlap, mix, frames);
    r->received += (int64_t)*taken;
    return DMX_OK;
}

/* The announced length may turn out wrong; the shifts drawn from it are then
 * wrong, too. */
dmx_status dmx_separation_flush(dmx_separation *r, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, r);
    dmx_overlap_end(r->overlap);
    r->flushed = true;
    DMX_RETURN_IF(dmx_separator_needs_length(r->separator) &&
                      r->received != r->options.frames,
                  err, DMX_ERROR_ARGUMENT,
                  "the track has %lld frames, not the %lld that its shifts "
                  "were drawn for",
                  (long long)r->received, (long long)r->options.frames);
    return DMX_OK;
}

/* ---------------------------------------------------------------- output */

static int on_piece(void *user, const char *stage, double fraction)
{
    const dmx_separation *r = user;
    (void)stage;
    const double done = r->total > 0 ? (r->done + fraction) / r->total : 0;
    return dmx_progress(r->outer, "separate", done < 1 ? done : 1, NULL) !=
           DMX_OK;
}

static void on_warning(void *user, const char *message)
{
    const dmx_separation *r = user;
    dmx_warn(r->outer, "%s", message);
}

static void on_detail(void *user, const char *message)
{
    const dmx_separation *r = user;
    dmx_detail(r->outer, "%s", message);
}

static dmx_status run_piece(dmx_separation *r, const dmx_hooks *hooks,
                            dmx_error *err)
{
    const dmx_hooks piece = {.size = sizeof piece,
                             .user = r,
                             .warn = on_warning,
                             .progress = on_piece,
                             .detail = on_detail};
    r->outer = hooks;
    DMX_FORWARD(dmx_progress(&piece, "separate", 0, err));
    DMX_FORWARD(dmx_overlap_step(r->overlap, &piece, err));
    r->done++;
    return DMX_OK;
}

dmx_status dmx_separation_pull(dmx_separation *r, float *const *stems,
                               float *const *mix, size_t capacity, size_t *got,
                               const dmx_hooks *hooks, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, got);
    *got = 0;
    DMX_NEED(err, r);
    DMX_NEED(err, stems);
    DMX_RETURN_IF(capacity == 0, err, DMX_ERROR_ARGUMENT,
                  "dmx_separation_pull: no room for a frame");
    for (;;) {
        DMX_FORWARD(
            dmx_overlap_pull(r->overlap, stems, mix, capacity, got, err));
        if (*got > 0 || !dmx_overlap_ready(r->overlap))
            return DMX_OK;
        DMX_FORWARD(run_piece(r, hooks, err));
    }
}
