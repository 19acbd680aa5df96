/* The epilogue of a product: what is applied to its result, and where that is
 * stored. */
#ifndef DMX_ENGINE_EPILOGUE_H
#define DMX_ENGINE_EPILOGUE_H

#include "engine/steps/product.h"

typedef struct dmx_epilogue {
    dmx_activation activation;
    const float *scale;  /* [channels] or NULL */
    const float *offset; /* [out rows][channels] or NULL */
    float add_gain;
    int64_t rows; /* of the result */
    dmx_band band[DMX_STEP_OUT];
    int n_band; /* 0: all rows are one output */
} dmx_epilogue;

/* Copies what it needs. */
DMX_MUST_CHECK dmx_status dmx_epilogue_fill(dmx_epilogue *p,
                                            struct dmx_engine *e,
                                            const dmx_product *from,
                                            dmx_error *err);

/* Makes the bands the outputs of a step. */
void dmx_epilogue_outputs(dmx_step *step, const dmx_epilogue *p);

/* Whether a row is kept. */
bool dmx_epilogue_keeps(const dmx_epilogue *p, int64_t row);

/* The epilogue for block b of m at row `row` of the step's output `output`,
 * from column 0 on. If the step has them, DMX_SLOT_ADDED is added and
 * DMX_SLOT_GAINS holds gains and biases per row. */
dmx_finish dmx_epilogue_at(const dmx_epilogue *p, const dmx_step *step,
                           const dmx_frame *f, const dmx_matrix *m,
                           const dmx_block *b, int output, int64_t row);

/* Moves it to columns [t, t + n). */
void dmx_epilogue_move(dmx_finish *d, int64_t t, int64_t n);

/* Prefetches the cache lines that finishing nr columns from t on will read and
 * write. */
void dmx_epilogue_prefetch(const dmx_finish *d, int64_t t, int64_t nr);

#endif
