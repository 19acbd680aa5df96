/* A track in memory for separators: the source of the mix and the sink of the
 * stems. */
#ifndef DMX_MEMORY_TRACK_H
#define DMX_MEMORY_TRACK_H

#include "test_support.h"

typedef struct memory_track {
    float *mix, *stems;     /* [channels][row], [rows][length] */
    int64_t channels, rows; /* set by memory_track_io */
    int64_t row;            /* samples of a channel of mix; 0: length */
    int64_t length;         /* of which the track has */
    size_t block;           /* samples that are read at once; 0: 4999 */
    int64_t in, out;        /* samples read and written */
} memory_track;

/* From the first sample. What is written must fit, and the mixture that comes
 * with the stems must be the track's own. */
dmx_separator_io memory_track_io(memory_track *t, int64_t channels,
                                 int64_t rows, dmx_normalization normalize);

#endif
