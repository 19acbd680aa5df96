#include "base/parallel.h"
#include "hub/bag.h"
#include "base/options.h"
#include "hub/repository.h"
#include "separate/separator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --------------------------------------------------------------- options */

static dmx_status check_options(const dmx_separator_options *o, dmx_error *err)
{
    DMX_FORWARD(dmx_check_range("overlap", o->overlap, 0, 0.99, err));
    DMX_FORWARD(
        dmx_check_range("transition power", o->transition_power, 1, 32, err));
    DMX_FORWARD(dmx_check_range("shifts", o->shifts, 0, 100, err));
    DMX_FORWARD(dmx_check_range("threads", o->threads, 0, 1024, err));
    DMX_FORWARD(
        dmx_check_range("batch", o->batch, 0, DMX_SEPARATOR_MOST_BATCH, err));
    if (o->segment != 0)
        DMX_FORWARD(dmx_check_range("segment", o->segment, 0.1, 3600, err));
    DMX_FORWARD(
        dmx_check_range("precision", o->precision, 0, DMX_ENGINE_INT8, err));
    DMX_RETURN_IF(dmx_backend_name(o->backend) == NULL, err, DMX_ERROR_ARGUMENT,
                  "engine: there is no number %d", (int)o->backend);
    return DMX_OK;
}

/* --------------------------------------------------------------- passes */

dmx_status dmx_separator_open_tail(void *context, dmx_runner *out,
                                   int64_t samples, dmx_error *err)
{
    dmx_turn *turn = context;
    dmx_separator *s = turn->owner;
    return dmx_member_tail(turn->member, out, &s->each, samples, &s->runtime,
                           err);
}

dmx_status dmx_separator_share(dmx_runner *out, const dmx_pass *pass,
                               dmx_error *err)
{
    const dmx_turn *turn = pass->context;
    const dmx_runner *runner = &turn->member->runner;
    if (runner->share != NULL)
        return runner->share(runner->self, out, err);
    *out = turn->shared;
    return DMX_OK;
}

/* --------------------------------------------------------------- members */

/* The first member of the same file: it is loaded once. */
static size_t same_file(const dmx_separator *s, size_t member)
{
    size_t i = 0;
    while (strcmp(s->path[i], s->path[member]) != 0)
        i++;
    return i;
}

static dmx_status copy_paths(dmx_separator *s, const dmx_bag *bag,
                             dmx_error *err)
{
    s->n_member = dmx_bag_members(bag);
    DMX_RETURN_IF(s->n_member == 0, err, DMX_ERROR_ARGUMENT,
                  "%s: a bag without models", dmx_bag_name(bag));
    s->path = calloc(s->n_member, sizeof *s->path);
    s->member = calloc(s->n_member, sizeof *s->member);
    s->turn = calloc(s->n_member, sizeof *s->turn);
    s->draws = calloc(s->n_member, sizeof *s->draws);
    DMX_RETURN_IF(s->path == NULL || s->member == NULL || s->turn == NULL ||
                      s->draws == NULL,
                  err, DMX_ERROR_MEMORY, "no memory for %zu models",
                  s->n_member);
    for (size_t i = 0; i < s->n_member; i++) {
        const char *path = dmx_bag_path(bag, i);
        DMX_RETURN_IF(path == NULL, err, DMX_ERROR_ARGUMENT,
                      "%s: a model's file is not known", dmx_bag_name(bag));
        s->draws[i].repeats = 1 + bag->left_out[i];
        s->path[i] = strdup(path);
        DMX_RETURN_IF(s->path[i] == NULL, err, DMX_ERROR_MEMORY, "no memory");
    }
    return DMX_OK;
}

static dmx_status read_weights(dmx_separator *s, const dmx_bag *bag,
                               dmx_error *err)
{
    const size_t columns = dmx_bag_sources(bag);
    DMX_RETURN_IF(columns != 0 && columns != s->n_source, err, DMX_ERROR_MODEL,
                  "%s: weights for %zu sources, but %s has %zu",
                  dmx_bag_name(bag), columns, s->path[s->leader], s->n_source);
    s->weight = calloc(s->n_member * s->n_source, sizeof *s->weight);
    DMX_RETURN_IF(s->weight == NULL, err, DMX_ERROR_MEMORY, "no memory");
    for (size_t m = 0; m < s->n_member; m++)
        for (size_t i = 0; i < s->n_source; i++)
            s->weight[m * s->n_source + i] = dmx_bag_weight(bag, m, i);
    return DMX_OK;
}

static dmx_status check_same(const dmx_separator *s, const dmx_member *m,
                             dmx_error *err)
{
    const dmx_member *first = &s->member[s->leader];
    bool same = m->n_source == first->n_source &&
                m->channels == first->channels &&
                m->samplerate == first->samplerate;
    for (size_t i = 0; same && i < m->n_source; i++)
        same = strcmp(m->source[i], first->source[i]) == 0;
    DMX_RETURN_IF(!same, err, DMX_ERROR_MODEL,
                  "%s and %s differ in sources, channels or sample rate: they "
                  "can't be averaged",
                  first->path, m->path);
    return DMX_OK;
}

static dmx_status start_member(dmx_separator *s, size_t i,
                               const dmx_member_options *o, dmx_error *err)
{
    dmx_member *m = &s->member[i];
    const size_t same = same_file(s, i);
    if (s->turn[same].turns == NULL) {
        if (m->path == NULL)
            DMX_FORWARD(dmx_member_open(m, s->path[i], o, &s->runtime, err));
        DMX_FORWARD(check_same(s, m, err));
        DMX_FORWARD(dmx_member_start(m, o, &s->runtime, err));
        DMX_FORWARD(dmx_turns_open(&s->turn[i].turns, &s->turn[i].shared,
                                   &m->runner, err));
        s->turn[i].owner = s;
        s->turn[i].member = m;
    } else {
        s->turn[i].shared = s->turn[same].shared;
        s->turn[i].owner = s;
        s->turn[i].member = &s->member[same];
        m->piece = s->member[same].piece;
        m->draws_position = s->member[same].draws_position;
    }
    return DMX_OK;
}

/* A member that no wanted stem needs still moves the shifts of those after it,
 * by what it draws from the generator that all share: a stem is the same
 * whatever else is asked for. */
static dmx_status read_draws(dmx_separator *s, size_t i,
                             const dmx_member_options *o, dmx_error *err)
{
    dmx_member *m = &s->member[i];
    const size_t same = same_file(s, i);
    if (same != i) {
        m->piece = s->member[same].piece;
        m->draws_position = s->member[same].draws_position;
        return DMX_OK;
    }
    if (m->path == NULL)
        DMX_FORWARD(dmx_member_open(m, s->path[i], o, &s->runtime, err));
    DMX_FORWARD(dmx_member_choose_piece(m, o->segment, err));
    if (i != s->leader)
        dmx_member_idle(m);
    return DMX_OK;
}

/* The first member tells what sources there are; when no wanted stem needs it,
 * only the names stay. */
static dmx_status start_members(dmx_separator *s, const dmx_member_options *o,
                                dmx_error *err)
{
    for (size_t i = 0; i < s->n_member; i++)
        if (dmx_separator_needs(s, i))
            DMX_FORWARD(start_member(s, i, o, err));
        else if (s->options.shifts > 0)
            DMX_FORWARD(read_draws(s, i, o, err));
    if (s->turn[s->leader].turns == NULL)
        dmx_member_idle(&s->member[s->leader]);
    return DMX_OK;
}

static void warn_specialist(const dmx_separator *s, const dmx_hooks *hooks)
{
    const dmx_member *m = &s->member[s->leader];
    const bool only = s->n_stem == 1 && m->stem != NULL &&
                      strcmp(m->source[s->stem[0]], m->stem) == 0;
    if (s->n_member == 1 && m->stem != NULL && !only)
        dmx_warn(hooks,
                 "%s was tuned for '%s'; its other stems are poorer (the bag "
                 "has a model for each)",
                 m->path, m->stem);
}

static void name_backend(dmx_separator *s)
{
    for (size_t i = 0; i < s->n_member; i++) {
        const dmx_member *m = &s->member[i];
        if (m->runner.run == NULL)
            continue;
        snprintf(s->backend, sizeof s->backend, "%s%s%s",
                 dmx_backend_name(m->backend), m->provider != NULL ? "/" : "",
                 m->provider != NULL ? m->provider : "");
        return;
    }
}

static dmx_status open_all(dmx_separator *s, const dmx_bag *bag, dmx_error *err)
{
    const dmx_separator_options *o = &s->options;
    const double segment = o->segment > 0 ? o->segment : dmx_bag_segment(bag);
    DMX_FORWARD(dmx_separator_find_choices(s, o, err));
    const dmx_member_options each = {
        o->hooks,     o->backend,       o->threads,   o->onnxruntime,
        o->providers, segment,          o->model,     dmx_bag_config(bag),
        o->weights,   o->unpadded != 0, o->precision, s->choices,
        o->batch};
    DMX_FORWARD(copy_paths(s, bag, err));
    dmx_member *first = &s->member[0];
    DMX_FORWARD(dmx_member_open(first, s->path[0], &each, &s->runtime, err));
    s->n_source = first->n_source;
    s->channels = first->channels;
    s->samplerate = first->samplerate;
    DMX_FORWARD(read_weights(s, bag, err));
    DMX_FORWARD(dmx_separator_select(s, bag, o, err));
    warn_specialist(s, o->hooks);
    DMX_FORWARD(start_members(s, &each, err));
    DMX_FORWARD(dmx_separator_plan_gains(s, err));
    DMX_FORWARD(dmx_separator_plan_passes(s, err));
    name_backend(s);
    s->each = each;
    s->each.hooks = NULL;
    s->each.model = NULL;
    s->each.weights = NULL;
    s->each.onnxruntime = NULL; /* it is open */
    if (o->providers != NULL) {
        s->providers = strdup(o->providers);
        DMX_RETURN_IF(s->providers == NULL, err, DMX_ERROR_MEMORY, "no memory");
    }
    s->each.providers = s->providers;
    return DMX_OK;
}

/* ------------------------------------------------------------- open, close */

dmx_status dmx_separator_open(dmx_separator **out, const dmx_bag *bag,
                              const dmx_separator_options *options,
                              dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, bag);
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_separator_options, err));
    DMX_FORWARD(check_options(&o, err));
    dmx_separator *s = calloc(1, sizeof *s);
    DMX_RETURN_IF(s == NULL, err, DMX_ERROR_MEMORY, "no memory for a model");
    s->options = o;
    if (o.threads > 0)
        s->options.threads = dmx_thread_count(o.threads, o.hooks);
    const dmx_status status = open_all(s, bag, err);
    if (status != DMX_OK) {
        dmx_separator_close(s);
        return status;
    }
    *out = s;
    return DMX_OK;
}

dmx_status dmx_separator_open_file(dmx_separator **out, const char *path,
                                   const dmx_separator_options *options,
                                   dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, path);
    dmx_bag *bag;
    if (dmx_is_bag_file(path))
        DMX_FORWARD(dmx_bag_open(&bag, path, err));
    else
        DMX_FORWARD(dmx_bag_of_file(&bag, path, err));
    const dmx_status status = dmx_separator_open(out, bag, options, err);
    dmx_bag_close(bag);
    return status;
}

void dmx_separator_close(dmx_separator *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_member; i++) {
        if (s->turn != NULL)
            dmx_turns_close(s->turn[i].turns);
        if (s->member != NULL)
            dmx_member_close(&s->member[i]);
        if (s->path != NULL)
            free(s->path[i]);
    }
    free(s->turn);
    free(s->providers);
    free(s->choices);
    free(s->member);
    free(s->path);
    free(s->weight);
    free(s->slot);
    free(s->stem);
    free(s->pass);
    free(s->draws);
    free(s->gain);
    dmx_runtime_close(s->runtime);
    free(s);
}

/* ------------------------------------------------------------- questions */

size_t dmx_separator_stems(const dmx_separator *s)
{
    return s != NULL ? s->n_stem : 0;
}

const char *dmx_separator_stem(const dmx_separator *s, size_t index)
{
    return s != NULL && index < s->n_stem
               ? dmx_separator_source(s, s->stem[index])
               : NULL;
}

size_t dmx_separator_sources(const dmx_separator *s)
{
    return s != NULL ? s->n_source : 0;
}

const char *dmx_separator_source(const dmx_separator *s, size_t index)
{
    return s != NULL && index < s->n_source ? s->member[s->leader].source[index]
                                            : NULL;
}

int64_t dmx_separator_channels(const dmx_separator *s)
{
    return s != NULL ? s->channels : 0;
}

int64_t dmx_separator_samplerate(const dmx_separator *s)
{
    return s != NULL ? s->samplerate : 0;
}

int64_t dmx_separator_samples(const dmx_separator *s)
{
    if (s == NULL)
        return 0;
    int64_t longest = 0;
    for (size_t i = 0; i < s->n_pass; i++)
        if (s->pass[i].piece > longest)
            longest = s->pass[i].piece;
    return longest;
}

const char *dmx_separator_backend(const dmx_separator *s)
{
    return s != NULL ? s->backend : NULL;
}
