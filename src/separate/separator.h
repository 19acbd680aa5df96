/* A separator's inside, shared by the files that open and run it. */
#ifndef DMX_SEPARATE_SEPARATOR_H
#define DMX_SEPARATE_SEPARATOR_H

#include "separate/member.h"
#include "separate/overlap.h"
#include "separate/turns.h"

/* A member and its runner, which several runs share in turns. */
typedef struct dmx_turn {
    dmx_runner shared; /* what the passes call */
    dmx_separator *owner;
    dmx_member *member; /* whose runner it is */
    dmx_turns *turns;   /* NULL: another entry's */
} dmx_turn;

/* What a member takes from the random generator in each of its passes. */
typedef struct dmx_draws {
    int64_t position; /* as dmx_model.draws_position, once for every piece */
    int64_t stride;   /* of the pieces */
    size_t repeats;   /* the member, and those left out just before it, which
                         are taken to be like it */
} dmx_draws;

struct dmx_separator {
    dmx_separator_options options; /* its pointers are not used after open */
    dmx_member_options each;       /* for pieces of other lengths */
    char *providers;               /* each.providers, ours */
    char *choices;                 /* each.choices, ours */
    dmx_runtime *runtime;
    char **path; /* [members] of the bag */
    dmx_member *member;
    dmx_turn *turn;
    double *weight; /* [members][sources], as the bag has it */
    size_t n_member;
    size_t leader; /* a member that is open, to ask for names */
    int *slot;     /* [sources]: which stem, or -1 */
    size_t *stem;  /* [n_stem] sources, rising */
    size_t n_stem;
    size_t n_source;
    int64_t channels, samplerate;
    dmx_pass *pass; /* [n_pass] */
    double *gain;   /* [members][sources] */
    size_t n_pass;
    dmx_draws *draws; /* [members] */
    char backend[64];
};

/* Which sources are wanted, from options.stems and .without. */
DMX_MUST_CHECK dmx_status dmx_separator_select(dmx_separator *s,
                                               const dmx_bag *bag,
                                               const dmx_separator_options *o,
                                               dmx_error *err);

/* s->choices: where proofs of reduced precision are kept. */
DMX_MUST_CHECK dmx_status dmx_separator_find_choices(
    dmx_separator *s, const dmx_separator_options *o, dmx_error *err);

/* Gains and passes, once weights, wanted stems and pieces are known. */
DMX_MUST_CHECK dmx_status dmx_separator_plan_gains(dmx_separator *s,
                                                   dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_separator_plan_passes(dmx_separator *s,
                                                    dmx_error *err);
/* Must the track's length be known to draw the origins of the passes? */
bool dmx_separator_needs_length(const dmx_separator *s);
/* The passes of one track of so many frames, with the origins that the
 * original would draw: pass[n_pass]. */
void dmx_separator_draw_origins(const dmx_separator *s, dmx_pass *pass,
                                int64_t frames);
/* Of a pass: context is its dmx_turn. */
DMX_MUST_CHECK dmx_status dmx_separator_open_tail(void *context,
                                                  dmx_runner *out,
                                                  int64_t samples,
                                                  dmx_error *err);
/* A runner for this pass that needs no turns with others where the engine can
 * have several, else one that takes turns. The separator must outlive it. */
DMX_MUST_CHECK dmx_status dmx_separator_share(dmx_runner *out,
                                              const dmx_pass *pass,
                                              dmx_error *err);
/* Does a wanted stem need this member? */
bool dmx_separator_needs(const dmx_separator *s, size_t member);

#endif
