/* The facts about a network other than its graph, which an exported model
 * states in its metadata. Everything is owned by the model it describes. */
#ifndef DMX_GRAPH_IDENTITY_H
#define DMX_GRAPH_IDENTITY_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dmx_identity {
    const char *architecture;
    const dmx_json *arguments; /* all of its constructor's */
    const char *const *source; /* names, in output order */
    size_t n_source;
    int64_t samplerate;       /* Hz */
    int64_t segment[2];       /* seconds: numerator, denominator */
    int64_t training_samples; /* of a segment */
    bool pads_to_segment;
    const char *checkpoint_sha256;
    const char
        *weights; /* which of the checkpoint's sets; NULL: it has only one */
} dmx_identity;

#endif
