/* Progress of a call that consists of several longer ones. */
#ifndef DMX_VERIFY_STAGE_H
#define DMX_VERIFY_STAGE_H

#include "base/error.h"

/* Hooks for one part: its 0..1 becomes from..to of the whole, under this
 * stage's name. Warnings pass through. */
typedef struct dmx_stage {
    dmx_hooks hooks;
    const dmx_hooks *outer; /* may be NULL */
    const char *name;
    double from, to;
} dmx_stage;

/* *stage must stay where it is while its hooks are in use. Returns the hooks,
 * or NULL when there are no outer ones. */
const dmx_hooks *dmx_stage_open(dmx_stage *stage, const dmx_hooks *outer,
                                const char *name, double from, double to);

#endif
