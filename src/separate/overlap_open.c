#include "base/memory.h"
#include "separate/overlap_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLACK 16384 /* frames of input beyond what a piece needs */

/* ------------------------------------------------------------------ open */

/* A level that runs with the track is not known for pieces to come: then they
 * run one at a time. */
static void add_to_lane(dmx_overlap *o, dmx_pass_state *p)
{
    dmx_runner *runner = p->pass.runner;
    size_t i = 0;
    while (i < o->n_lane && o->lane[i].runner != runner)
        i++;
    p->lane = &o->lane[i];
    if (i == o->n_lane) {
        const bool batches = runner->run_batch != NULL && !o->config.running;
        o->lane[o->n_lane++] = (dmx_lane){
            .runner = runner,
            .most = batches && runner->batch > 1 ? runner->batch : 1};
    }
    const int64_t ahead = (p->lane->most - 1) * p->pass.stride;
    if (ahead > o->ahead)
        o->ahead = ahead;
}

static void add_pass(dmx_overlap *o, size_t index)
{
    dmx_pass_state *p = &o->pass[index];
    p->pass = o->config.pass[index];
    p->next = p->pass.origin;
    if (p->pass.piece > o->longest)
        o->longest = p->pass.piece;
    if (p->pass.margin > o->margin)
        o->margin = p->pass.margin;
    add_to_lane(o, p);
}

/* The rising side of the triangle, to its power; malloc'd. */
static double *rising_weights(int64_t piece, double power)
{
    const int64_t n = piece - piece / 2;
    double *weight = malloc((size_t)n * sizeof *weight);
    for (int64_t i = 0; weight != NULL && i < n; i++)
        weight[i] = pow(dmx_overlap_rise(i, n), power);
    return weight;
}

/* The first pass whose pieces are as long as this one's: it owns the weights
 * of all of them. */
static dmx_pass_state *weights_owner(const dmx_overlap *o, size_t index)
{
    size_t i = 0;
    while (o->pass[i].pass.piece != o->pass[index].pass.piece)
        i++;
    return &o->pass[i];
}

/* A power of the triangle is kept: its own weights are a division each. */
static dmx_status compute_weights(dmx_overlap *o, dmx_error *err)
{
    if (o->config.power == 1)
        return DMX_OK;
    for (size_t i = 0; i < o->config.n_pass; i++) {
        dmx_pass_state *p = &o->pass[i], *owner = weights_owner(o, i);
        p->weight = owner != p ? owner->weight
                               : rising_weights(p->pass.piece, o->config.power);
        DMX_RETURN_IF(p->weight == NULL, err, DMX_ERROR_MEMORY,
                      "no memory for the weights of segments of %lld samples",
                      (long long)p->pass.piece);
    }
    return DMX_OK;
}

/* How far pieces reach beyond what is handed out after them: with one pass, to
 * their end from the start of the next. */
static int64_t reach(const dmx_overlap *o)
{
    const dmx_pass *first = &o->pass[0].pass;
    const int64_t least = first->piece - first->stride;
    return o->config.n_pass > 1 ? o->longest : least > 0 ? least : 1;
}

/* The length of the longest run; *batch: the total of the largest batch. */
static int64_t longest_run(const dmx_overlap *o, int64_t *batch)
{
    /* A last piece may need more surrounding audio than a full one. */
    int64_t longest = o->longest + o->margin;
    *batch = longest;
    for (size_t i = 0; i < o->n_lane; i++) {
        const int64_t samples = o->lane[i].runner->samples;
        if (samples > longest)
            longest = samples;
        if (o->lane[i].most * samples > *batch)
            *batch = o->lane[i].most * samples;
    }
    return longest;
}

/* The most input that is kept: what a run needs from the start of its piece on,
 * and what a later one needs in front of its own. */
static int64_t input_capacity(const dmx_overlap *o)
{
    return o->longest + o->margin + o->ahead + dmx_overlap_behind(o) + SLACK;
}

/* Memory for the results of batches. */
static dmx_status allocate_lanes(dmx_overlap *o, dmx_error *err)
{
    for (size_t i = 0; i < o->n_lane; i++) {
        dmx_lane *lane = &o->lane[i];
        const int64_t one =
            o->config.sources * o->config.channels * lane->runner->samples;
        lane->stems = lane->most > 1
                          ? dmx_aligned_alloc((size_t)(lane->most * one),
                                              sizeof *lane->stems)
                          : o->stems;
        DMX_RETURN_IF(lane->stems == NULL, err, DMX_ERROR_MEMORY,
                      "no memory for %lld segments of %lld samples at once",
                      (long long)lane->most, (long long)lane->runner->samples);
    }
    return DMX_OK;
}

static dmx_status allocate(dmx_overlap *o, dmx_error *err)
{
    const size_t channels = (size_t)o->config.channels;
    int64_t batch;
    const size_t run = channels * (size_t)longest_run(o, &batch);
    o->in_capacity = input_capacity(o);
    o->input =
        dmx_aligned_alloc(channels * (size_t)o->in_capacity, sizeof *o->input);
    o->reach = reach(o);
    o->sum = dmx_aligned_alloc((size_t)o->slots * channels * (size_t)o->reach,
                               sizeof *o->sum);
    o->mix = dmx_aligned_alloc(channels * (size_t)batch, sizeof *o->mix);
    o->stems =
        dmx_aligned_alloc(run * (size_t)o->config.sources, sizeof *o->stems);
    o->block = dmx_aligned_alloc((size_t)o->slots * channels,
                                 DMX_OVERLAP_BLOCK * sizeof *o->block);
    DMX_RETURN_IF(o->input == NULL || o->sum == NULL || o->mix == NULL ||
                      o->stems == NULL || o->block == NULL,
                  err, DMX_ERROR_MEMORY,
                  "no memory for segments of %lld samples",
                  (long long)o->longest);
    memset(o->sum, 0,
           (size_t)o->slots * channels * (size_t)o->reach * sizeof *o->sum);
    return allocate_lanes(o, err);
}

static dmx_status copy_slots(dmx_overlap *o, dmx_error *err)
{
    const size_t sources = (size_t)o->config.sources;
    o->slot = malloc(sources * sizeof *o->slot);
    o->pass = calloc(o->config.n_pass, sizeof *o->pass);
    o->lane = calloc(o->config.n_pass, sizeof *o->lane);
    DMX_RETURN_IF(o->slot == NULL || o->pass == NULL || o->lane == NULL, err,
                  DMX_ERROR_MEMORY, "no memory to separate");
    memcpy(o->slot, o->config.slot, sources * sizeof *o->slot);
    for (size_t s = 0; s < sources; s++)
        if (o->slot[s] >= o->slots)
            o->slots = o->slot[s] + 1;
    return DMX_OK;
}

static dmx_status build(dmx_overlap *o, dmx_error *err)
{
    DMX_FORWARD(copy_slots(o, err));
    for (size_t i = 0; i < o->config.n_pass; i++)
        add_pass(o, i);
    DMX_FORWARD(compute_weights(o, err));
    return allocate(o, err);
}

dmx_status dmx_overlap_open(dmx_overlap **out, const dmx_overlap_config *config,
                            dmx_error *err)
{
    *out = NULL;
    dmx_overlap *o = calloc(1, sizeof *o);
    DMX_RETURN_IF(o == NULL, err, DMX_ERROR_MEMORY, "no memory to separate");
    o->config = *config;
    const dmx_status status = build(o, err);
    if (status != DMX_OK) {
        dmx_overlap_close(o);
        return status;
    }
    *out = o;
    return DMX_OK;
}

void dmx_overlap_close(dmx_overlap *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < o->n_lane; i++)
        if (o->lane[i].most > 1)
            dmx_aligned_free(o->lane[i].stems);
    for (size_t i = 0; o->pass != NULL && i < o->config.n_pass; i++)
        if (weights_owner(o, i) == &o->pass[i])
            free(o->pass[i].weight);
    free(o->lane);
    free(o->pass);
    free(o->slot);
    dmx_aligned_free(o->input);
    dmx_aligned_free(o->sum);
    dmx_aligned_free(o->mix);
    dmx_aligned_free(o->stems);
    dmx_aligned_free(o->block);
    free(o);
}

void dmx_overlap_reset(dmx_overlap *o)
{
    const size_t rows = (size_t)(o->slots * o->config.channels);
    for (size_t i = 0; i < o->config.n_pass; i++)
        o->pass[i].next = o->pass[i].pass.origin;
    for (size_t i = 0; i < o->n_lane; i++)
        o->lane[i].made = o->lane[i].used = 0;
    memset(o->sum, 0, rows * (size_t)o->reach * sizeof *o->sum);
    o->in_base = o->received = 0;
    o->sum_base = o->emitted = 0;
    o->ended = false;
    o->last.pass = NULL;
    o->level = (dmx_track_level){0};
}

int64_t dmx_overlap_latency(const dmx_overlap *o)
{
    return o->longest + o->margin - 1 + o->ahead;
}
