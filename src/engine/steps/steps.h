/* The kinds of steps, and the functions with which the planner adds them. Each
 * function appends one or more steps to the engine and fails with MEMORY.
 * Inputs and outputs are buffers whose planes are known. Products are in
 * product.h. */
#ifndef DMX_ENGINE_STEPS_H
#define DMX_ENGINE_STEPS_H

#include "engine/kernels/kernels.h"
#include "engine/program.h"

/* ---- attention --------------------------------------------------------- */

/* Keys or values, and whether attention is their only consumer. */
typedef struct dmx_head_input {
    dmx_buf buf;
    bool only_here;
} dmx_head_input;

DMX_MUST_CHECK dmx_status dmx_step_attention(struct dmx_engine *e,
                                             const char *path, dmx_buf q,
                                             dmx_head_input k, dmx_head_input v,
                                             dmx_buf out, int64_t heads,
                                             double scale, dmx_error *err);

/* Local attention (rules_time.c), each row independently; in: query, key,
 * content, decay. */
DMX_MUST_CHECK dmx_status dmx_step_local_attention(
    struct dmx_engine *e, const char *path, const dmx_buf in[4], dmx_buf out,
    int64_t heads, double scale, dmx_error *err);

/* ---- LSTM (steps/lstm.c) ------------------------------------------------- */

typedef struct dmx_lstm {
    const char *path;
    dmx_buf x, out;
    int64_t hidden, layers;
    dmx_chunks chunks;               /* of the columns */
    const dmx_tensor *const *weight; /* in the operation's order */
} dmx_lstm;

DMX_MUST_CHECK dmx_status dmx_step_lstm(struct dmx_engine *e,
                                        const dmx_lstm *from, dmx_error *err);

/* ---- norms and statistics (steps/norm.c) --------------------------------- */

/* Group norm of a plane; weight, bias [channels], copied. */
DMX_MUST_CHECK dmx_status dmx_step_group_norm(struct dmx_engine *e,
                                              const char *path, dmx_buf x,
                                              dmx_buf out, const float *weight,
                                              const float *bias, int64_t groups,
                                              bool per_row, double epsilon,
                                              dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_step_layer_norm(struct dmx_engine *e,
                                              const char *path, dmx_buf x,
                                              dmx_buf out, const float *weight,
                                              const float *bias, double epsilon,
                                              dmx_error *err);
/* mean and unbiased standard deviation over all elements */
DMX_MUST_CHECK dmx_status dmx_step_statistics(struct dmx_engine *e,
                                              const char *path, dmx_buf x,
                                              dmx_buf mean, dmx_buf std,
                                              dmx_error *err);
/* (x - mean) / (epsilon + std), or the inverse x * std + mean */
DMX_MUST_CHECK dmx_status dmx_step_standardize(struct dmx_engine *e,
                                               const char *path, dmx_buf x,
                                               dmx_buf mean, dmx_buf std,
                                               dmx_buf out, double epsilon,
                                               bool inverse, dmx_error *err);

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

DMX_MUST_CHECK dmx_status dmx_step_dconv(struct dmx_engine *e,
                                         const dmx_dconv *d, dmx_error *err);

/* ---- signals (steps/signal.c) -------------------------------------------- */
DMX_MUST_CHECK dmx_status dmx_step_stft(struct dmx_engine *e, const char *path,
                                        dmx_buf x, dmx_buf out, int64_t nfft,
                                        dmx_frames kind, dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_step_istft(struct dmx_engine *e, const char *path,
                                         dmx_buf x, dmx_buf out, int64_t nfft,
                                         dmx_frames kind, dmx_error *err);
/* [C][1][N] by the ratio up / down, filters [up][taps], copied (steps/
 * resample.c). */
DMX_MUST_CHECK dmx_status dmx_step_resample(struct dmx_engine *e,
                                            const char *path, dmx_buf x,
                                            dmx_buf out, const float *weight,
                                            int64_t up, int64_t down,
                                            int64_t taps, dmx_error *err);

/* ---- magnitudes (steps/mask.c, steps/wiener.c) ----------------------------
 */
DMX_MUST_CHECK dmx_status dmx_step_magnitude(struct dmx_engine *e,
                                             const char *path, dmx_buf z,
                                             dmx_buf out, dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_step_mask(struct dmx_engine *e, const char *path,
                                        dmx_buf m, dmx_buf z, dmx_buf out,
                                        double epsilon, dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_step_wiener(struct dmx_engine *e,
                                          const char *path, dmx_buf m,
                                          dmx_buf z, dmx_buf out,
                                          int64_t iterations, bool residual,
                                          dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_step_mono(struct dmx_engine *e, const char *path,
                                        dmx_buf x, dmx_buf out, dmx_error *err);

/* ---- passes (steps/pass.c) ----------------------------------------------- */
DMX_MUST_CHECK dmx_status dmx_step_activation(struct dmx_engine *e,
                                              const char *path,
                                              dmx_activation act, dmx_buf x,
                                              dmx_buf out, dmx_error *err);
/* gain and offset per channel, either may be NULL; copied */
DMX_MUST_CHECK dmx_status dmx_step_channel_affine(
    struct dmx_engine *e, const char *path, dmx_buf x, dmx_buf out,
    const float *gain, const float *offset, dmx_error *err);
/* a + alpha * b; b's planes, channels or columns may be 1 */
DMX_MUST_CHECK dmx_status dmx_step_add(struct dmx_engine *e, const char *path,
                                       dmx_buf a, dmx_buf b, dmx_buf out,
                                       float alpha, dmx_error *err);

/* ---- positions (steps/position.c) ---------------------------------------- */

/* Tokens in the order (row, frame): channels [0, D/2) from by_frame
 * [frames][D/2], the others from by_row [rows][D/2]; both are copied. */
DMX_MUST_CHECK dmx_status dmx_step_position(struct dmx_engine *e,
                                            const char *path, dmx_buf out,
                                            const float *by_frame,
                                            int64_t frames, const float *by_row,
                                            int64_t rows, dmx_error *err);

/* ---- moves (steps/move.c) ------------------------------------------------ */

/* The caller's input, copied once more. */
DMX_MUST_CHECK dmx_status dmx_step_input(struct dmx_engine *e, const char *path,
                                         dmx_buf out, dmx_error *err);
/* out is `from` shifted: out[r][c][t] = in[r + shift[0]][c + shift[1]] [t +
 * shift[2]] where that exists; elsewhere zero, or unchanged. */
DMX_MUST_CHECK dmx_status dmx_step_shift(struct dmx_engine *e, const char *kind,
                                         const char *path, dmx_buf in,
                                         dmx_buf out, const int64_t shift[3],
                                         bool zero, dmx_error *err);
/* Changes the shape, keeping the row-major order of [C][F][T]. */
DMX_MUST_CHECK dmx_status dmx_step_reshape(struct dmx_engine *e,
                                           const char *path, dmx_buf in,
                                           dmx_buf out, dmx_error *err);
/* [F][C][T] <-> [1][C][F * T] */
DMX_MUST_CHECK dmx_status dmx_step_tokens(struct dmx_engine *e,
                                          const char *path, dmx_buf in,
                                          dmx_buf out, dmx_error *err);
/* Tokens in the order of `from` rows to that of `to` rows. */
DMX_MUST_CHECK dmx_status dmx_step_reorder(struct dmx_engine *e,
                                           const char *path, dmx_buf in,
                                           dmx_buf out, int64_t from,
                                           int64_t to, dmx_error *err);
void dmx_reorder_tokens(float *y, const float *x, int64_t from, int64_t to,
                        int64_t n);

#endif
