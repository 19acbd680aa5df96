/* A training run may save several sets of weights in one file: the last and the
 * best state, moving averages. This finds them in nested dicts. */
#ifndef DMX_CHECKPOINT_STATE_SETS_H
#define DMX_CHECKPOINT_STATE_SETS_H

#include "checkpoint/pickle.h"

enum { DMX_STATE_SETS = 32, DMX_STATE_SET_NAME = 128 };

typedef struct dmx_state_set {
    const dmx_pickled *state;
    char path[DMX_STATE_SET_NAME]; /* "best_state", "ema.shadow" */
    char name[DMX_STATE_SET_NAME]; /* displayed: "best", "ema" */
    int rank;                      /* 0 is preferred */
} dmx_state_set;

typedef struct dmx_state_sets {
    dmx_state_set set[DMX_STATE_SETS]; /* in the order of the file */
    size_t count;
} dmx_state_sets;

/* Whether v is a dict that holds a tensor. */
bool dmx_pickled_has_tensors(const dmx_pickled *v);

/* Finds the dicts of tensors below the dict `top`, except optimizer and
 * scheduler states; bounded in depth and work. */
void dmx_state_sets_find(dmx_state_sets *out, const dmx_pickled *top);

/* The set of that name or path. For NULL, or for "best" when no set has that
 * name, the preferred one: the best state, else a moving average, else the
 * first. NULL when there is none. */
const dmx_state_set *dmx_state_sets_choose(const dmx_state_sets *sets,
                                           const char *wanted);

/* Writes "best, state, ema_batch_0" into text; returns text. */
const char *dmx_state_sets_list(char *text, size_t size,
                                const dmx_state_sets *sets);

#endif
