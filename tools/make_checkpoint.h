/* Networks of random weights: the presets of Demucs and Hybrid Demucs, and
 * others by class and arguments, whose names and shapes the library knows. */
#ifndef DMX_TOOLS_MAKE_CHECKPOINT_H
#define DMX_TOOLS_MAKE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct family_preset {
    const char *name;
    const char *klass, *module; /* "HDemucs", "demucs.hdemucs" */
    const char *kwargs;         /* JSON */
} family_preset;

/* NULL: there is no preset of that name. */
const family_preset *family_find(const char *name);

/* A network of a class by constructor arguments, JSON; both are kept. False:
 * no such class. */
bool family_of_class(family_preset *out, const char *klass, const char *kwargs);

/* Calls `add` for every weight, with the centre and spread of its values; 0,
 * or 1 after a message. */
int family_list(const family_preset *preset,
                void (*add)(void *user, const char *name, int rank,
                            const int64_t *dim, double centre, double spread),
                void *user);

#endif
