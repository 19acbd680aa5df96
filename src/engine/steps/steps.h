/* The kinds of steps and how the planner adds them. Each function appends one
 * or more steps to the engine; false means that memory is short. Inputs and
 * outputs are buffers whose planes are known. */
#ifndef DMX_ENGINE_STEPS_H
#define DMX_ENGINE_STEPS_H

#include "engine/steps/heads.h"
#include "engine/steps/matrix.h"
#include "engine/steps/panel.h"
#include "engine/program.h"

/* ---- products (steps/gemm.c) -------------------------------------------- */

/* A convolution, a transposed convolution or a linear map with all that
 * follows. A transposed convolution is the convolution of its input with one
 * kernel per phase: output phases * j + p is made by phase p at position j;
 * the first `start` outputs of each axis are not wanted. */
typedef struct dmx_sibling {
    dmx_dense dense;
    dmx_buf out;
} dmx_sibling;

#define DMX_SIBLINGS (DMX_STEP_OUT - 1)

typedef struct dmx_product {
    const char *kind, *path;
    dmx_buf in, out;
    dmx_dense dense;
    dmx_window window; /* kernel, step, dilation, padding */
    int64_t start[2];  /* below phases */
    bool normed;       /* each column is normalised first, with epsilon */
    double epsilon;
    const float *norm_gain, *norm_offset; /* and then this, per channel, unless
                                             NULL; copied */
    dmx_activation activation;
    const float *scale; /* [channels] or NULL; copied */
    dmx_buf add;        /* or -1 */
    float add_gain;
    const float *offset; /* [out rows][channels] or NULL; owned by engine */
    dmx_buf gain;        /* [out rows][2][matrix rows], or -1: see dconv */
    double flops;
    const dmx_matrix *matrix; /* packed already, or NULL */
    /* More linear maps of the same columns; then nothing follows any. */
    dmx_sibling sibling[DMX_SIBLINGS];
    int n_sibling;
} dmx_product;

bool dmx_step_product(struct dmx_engine *e, const dmx_product *p);

/* Makes the step that writes `buf` write it in that order instead, when it is a
 * product with nothing after it and its tiles fit; h stays in use. */
bool dmx_product_pack(struct dmx_engine *e, dmx_buf buf, const dmx_heads *h,
                      dmx_head_order order);

/* Where the columns of a product come from; its gain and offset are copied. */
bool dmx_product_source(dmx_panel_source *s, struct dmx_engine *e,
                        const dmx_product *p);

/* Two linear maps of tokens, the second of what the first makes: that never
 * leaves the cache (steps/feed.c). */
bool dmx_step_feed(struct dmx_engine *e, const dmx_product *first,
                   const dmx_product *second);

/* The same with fewer multiplications, for wide maps of many tokens
 * (steps/strassen.c). */
bool dmx_strassen_fits(const struct dmx_engine *e, const dmx_product *first,
                       const dmx_product *second);
bool dmx_step_strassen(struct dmx_engine *e, const dmx_product *first,
                       const dmx_product *second);

/* The 3x3 convolution with padding 1 by Winograd's method. */
bool dmx_winograd_fits(const struct dmx_engine *e, const dmx_product *p);
bool dmx_step_winograd(struct dmx_engine *e, const dmx_product *p);

/* A convolution over rows with a kernel of twice its step, by Winograd's
 * method. */
bool dmx_two_tap_fits(const struct dmx_engine *e, const dmx_product *p);
bool dmx_step_two_tap(struct dmx_engine *e, const dmx_product *p);

/* ---- attention --------------------------------------------------------- */

/* Keys or values, and whether nothing else takes them. */
typedef struct dmx_head_input {
    dmx_buf buf;
    bool only_here;
} dmx_head_input;

bool dmx_step_attention(struct dmx_engine *e, const char *path, dmx_buf q,
                        dmx_head_input k, dmx_head_input v, dmx_buf out,
                        int64_t heads, double scale);

/* ---- norms and statistics (steps/norm.c) --------------------------------- */

/* Group norm of a plane; weight, bias [channels], copied. */
bool dmx_step_group_norm(struct dmx_engine *e, const char *path, dmx_buf x,
                         dmx_buf out, const float *weight, const float *bias,
                         int64_t groups, bool per_row, double epsilon);
bool dmx_step_layer_norm(struct dmx_engine *e, const char *path, dmx_buf x,
                         dmx_buf out, const float *weight, const float *bias,
                         double epsilon);
/* mean and unbiased standard deviation of everything */
bool dmx_step_statistics(struct dmx_engine *e, const char *path, dmx_buf x,
                         dmx_buf mean, dmx_buf std);
/* (x - mean) / (epsilon + std), or the inverse x * std + mean */
bool dmx_step_standardize(struct dmx_engine *e, const char *path, dmx_buf x,
                          dmx_buf mean, dmx_buf std, dmx_buf out,
                          double epsilon, bool inverse);

/* ---- DConv -------------------------------------------------------------- */

/* x + scale * glu(norm2(w2 gelu(norm1(w1 * x)))), see steps/dconv.c. */
typedef struct dmx_dconv {
    const char *path;
    dmx_buf x, out;
    int64_t hidden, channels;
    int64_t taps, dilation, padding;
    const float *w1, *b1;         /* [hidden][channels][taps] */
    const float *weight1, *bias1; /* norm 1 */
    const float *w2, *b2;         /* [2 channels][hidden] */
    const float *weight2, *bias2; /* norm 2 */
    const float *scale;           /* [channels], or NULL */
    double epsilon1, epsilon2;
} dmx_dconv;

bool dmx_step_dconv(struct dmx_engine *e, const dmx_dconv *d);

/* ---- signals (steps/signal.c) -------------------------------------------- */
bool dmx_step_stft(struct dmx_engine *e, const char *path, dmx_buf x,
                   dmx_buf out, int64_t nfft);
bool dmx_step_istft(struct dmx_engine *e, const char *path, dmx_buf x,
                    dmx_buf out, int64_t nfft);

/* ---- passes (steps/pass.c) ----------------------------------------------- */
bool dmx_step_activation(struct dmx_engine *e, const char *path,
                         dmx_activation act, dmx_buf x, dmx_buf out);
/* gain and offset per channel, either may be NULL; copied */
bool dmx_step_channel_affine(struct dmx_engine *e, const char *path, dmx_buf x,
                             dmx_buf out, const float *gain,
                             const float *offset);
/* a + alpha * b; b's planes, channels or columns may be 1 */
bool dmx_step_add(struct dmx_engine *e, const char *path, dmx_buf a, dmx_buf b,
                  dmx_buf out, float alpha);

/* ---- positions (steps/position.c) ---------------------------------------- */

/* Tokens in the order (row, frame): channels [0, D/2) from by_frame
 * [frames][D/2], the others from by_row [rows][D/2]; both are copied. */
bool dmx_step_position(struct dmx_engine *e, const char *path, dmx_buf out,
                       const float *by_frame, int64_t frames,
                       const float *by_row, int64_t rows);

/* ---- moves (steps/move.c) ------------------------------------------------ */

/* out is `from` shifted: out[r][c][t] = in[r + shift[0]][c + shift[1]]
 * [t + shift[2]] where that exists; elsewhere zero, or left alone. */
bool dmx_step_shift(struct dmx_engine *e, const char *kind, const char *path,
                    dmx_buf in, dmx_buf out, const int64_t shift[3], bool zero);
/* Row-major [C][F][T] kept, shape changed. */
bool dmx_step_reshape(struct dmx_engine *e, const char *path, dmx_buf in,
                      dmx_buf out);
/* [F][C][T] <-> [1][C][F * T] */
bool dmx_step_tokens(struct dmx_engine *e, const char *path, dmx_buf in,
                     dmx_buf out);
/* Tokens in the order of `from` rows to that of `to` rows. */
bool dmx_step_reorder(struct dmx_engine *e, const char *path, dmx_buf in,
                      dmx_buf out, int64_t from, int64_t to);
void dmx_reorder_tokens(float *y, const float *x, int64_t from, int64_t to,
                        int64_t n);

#endif
