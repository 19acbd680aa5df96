/* Constructor arguments drawn at random: anything that each class accepts, in
 * arbitrary combinations. */
#ifndef DMX_RANDOM_ARGUMENTS_H
#define DMX_RANDOM_ARGUMENTS_H

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct random_class {
    const char *klass;
    dmx_json *(*arguments)(uint64_t seed);
    /* Samples to run with; 0: the training length. */
    int64_t (*samples)(uint64_t seed, const dmx_json *arguments);
} random_class;

/* HTDemucs, HDemucs, Demucs; NULL: there is no class of that name. */
const random_class *random_class_find(const char *klass);

#endif
