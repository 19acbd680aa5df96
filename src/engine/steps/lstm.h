/* Bidirectional LSTMs over the columns of each row, in chunks or whole.
 *
 * Units are grouped in tiles of `lanes`; units that pad the last tile have zero
 * weights and stay zero. A position is a time step of a sequence: gates are
 * [position][direction][tile][4][lanes], outputs [position][direction][padded].
 * In the first layer, positions are the columns of the signal's rows, which
 * chunks share; in the others, those of every chunk. */
#ifndef DMX_ENGINE_LSTM_H
#define DMX_ENGINE_LSTM_H

#include "engine/steps/matrix.h"

typedef struct dmx_lstm_layer {
    int64_t rows, steps; /* of the signal */
    dmx_chunks chunks;
    int64_t hidden, padded;  /* units; rounded up to whole tiles */
    int64_t sequences;       /* rows * chunks.count */
    bool first;              /* gates by columns of the signal */
    dmx_matrix project;      /* both directions */
    dmx_matrix recurrent[2]; /* forward, reverse */
} dmx_lstm_layer;

/* The distance between sequences that are contiguous in memory: not a multiple
 * of a page. */
static inline int64_t dmx_lstm_pitch(const dmx_lstm_layer *l)
{
    return l->padded + DMX_LINE;
}

/* Adds the recurrence of a layer (steps/recurrence.c): gates [position][8
 * padded] to out [sequence * width][2 padded]. */
DMX_MUST_CHECK dmx_status dmx_step_recurrence(struct dmx_engine *e,
                                              const char *path,
                                              const dmx_lstm_layer *layer,
                                              dmx_buf gates, dmx_buf out,
                                              dmx_error *err);

#endif
