/* Products: the planner's description, and the steps that compute them. */
#ifndef DMX_ENGINE_PRODUCT_H
#define DMX_ENGINE_PRODUCT_H

#include "engine/steps/heads.h"
#include "engine/steps/matrix.h"
#include "engine/steps/panel.h"

/* A convolution, a transposed convolution or a linear map with its epilogue. A
 * transposed convolution is the convolution of its input with one kernel per
 * phase: output phases * j + p is computed by phase p at position j; the first
 * `start` outputs of each axis are dropped. */
typedef struct dmx_sibling {
    dmx_dense dense;
    dmx_buf out;
} dmx_sibling;

#define DMX_SIBLINGS (DMX_STEP_OUT - 1)

/* Rows [from, to) of a product, which have a buffer of their own. */
typedef struct dmx_band {
    int64_t from, to;
    dmx_buf out;
    bool plain; /* without activation and addition */
} dmx_band;

typedef struct dmx_product {
    const char *kind, *path;
    dmx_buf in, out;
    dmx_dense dense;
    dmx_window window; /* kernel, step, dilation, padding */
    int64_t start[2];  /* less than phases */
    bool normed;       /* each column is normalised first, with epsilon */
    double epsilon;
    const float *norm_gain,
        *norm_offset; /* then these per channel, unless NULL; copied */
    dmx_activation activation;
    const float *scale; /* [channels] or NULL; copied */
    dmx_buf add;        /* or none */
    float add_gain;
    const float *offset; /* [out rows][channels] or NULL; owned by engine */
    dmx_buf gain;        /* [out rows][2][matrix rows], or none: see dconv */
    double flops;
    const dmx_matrix *matrix; /* already packed, or NULL */
    /* More linear maps of the same columns; then none has an epilogue. */
    dmx_sibling sibling[DMX_SIBLINGS];
    int n_sibling;
    /* All rows of the result that are kept, in place of `out`, which has the
     * plane of one of them; and the rows of the whole, else 0. */
    dmx_band band[DMX_STEP_OUT];
    int n_band;
    int64_t rows;
} dmx_product;

/* The rows of the result. */
int64_t dmx_product_rows(const struct dmx_engine *e, const dmx_product *p);

DMX_MUST_CHECK dmx_status dmx_step_product(struct dmx_engine *e,
                                           const dmx_product *p,
                                           dmx_error *err);

/* Makes the step that writes `buf` write it in this order instead, if it is a
 * product without an epilogue and its tiles fit; keeps a reference to h. False:
 * nothing changed. */
bool dmx_product_pack(struct dmx_engine *e, dmx_buf buf, const dmx_heads *h,
                      dmx_head_order order);

/* The source of a product's columns; gain and offset are copied. */
DMX_MUST_CHECK dmx_status dmx_product_source(dmx_panel_source *s,
                                             struct dmx_engine *e,
                                             const dmx_product *p,
                                             dmx_error *err);

/* Two linear maps of tokens, the second applied to the first's result, which
 * never leaves the cache (steps/feed.c). */
DMX_MUST_CHECK dmx_status dmx_step_feed(struct dmx_engine *e,
                                        const dmx_product *first,
                                        const dmx_product *second,
                                        dmx_error *err);

/* The same with fewer multiplications, for wide maps of many tokens
 * (steps/strassen.c). */
bool dmx_strassen_fits(const struct dmx_engine *e, const dmx_product *first,
                       const dmx_product *second);
DMX_MUST_CHECK dmx_status dmx_step_strassen(struct dmx_engine *e,
                                            const dmx_product *first,
                                            const dmx_product *second,
                                            dmx_error *err);

/* The 3x3 convolution with padding 1 by Winograd's method. */
bool dmx_winograd_fits(const struct dmx_engine *e, const dmx_product *p);
DMX_MUST_CHECK dmx_status dmx_step_winograd(struct dmx_engine *e,
                                            const dmx_product *p,
                                            dmx_error *err);

/* A convolution over rows with a kernel of twice its stride, by Winograd's
 * method. */
bool dmx_two_tap_fits(const struct dmx_engine *e, const dmx_product *p);
DMX_MUST_CHECK dmx_status dmx_step_two_tap(struct dmx_engine *e,
                                           const dmx_product *p,
                                           dmx_error *err);

#endif
