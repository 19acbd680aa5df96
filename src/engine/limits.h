/* From what size on the engine saves memory. Results have the same bits
 * whatever the limits are, so that tests set them low on small signals. */
#ifndef DMX_ENGINE_LIMITS_H
#define DMX_ENGINE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* The order in which buffers get their place in the arena. */
typedef enum dmx_placing {
    DMX_PLACE_BEST, /* that of the next four which needs the least memory */
    DMX_PLACE_LARGER,
    DMX_PLACE_LONGER,
    DMX_PLACE_HEAVIER,
    DMX_PLACE_EARLIER,
    DMX_PLACE_APART, /* no two share memory */
} dmx_placing;

typedef struct dmx_engine_limits {
    int64_t waiting;     /* floats of Winograd's panels that wait for their
                            products: more take turns */
    int64_t spectrogram; /* floats from which on a mixture's spectrogram is
                            computed twice rather than kept, and the mixture
                            copied in twice */
    int64_t result;      /* floats from which on a run works in the memory of
                            its result, too */
    dmx_placing placing;
    bool copies; /* no views of rows */
} dmx_engine_limits;

#define DMX_ENGINE_LIMITS                                                      \
    {                                                                          \
        .waiting = 8 << 20, .spectrogram = 8 << 20, .result = 4 << 20          \
    }

#endif
