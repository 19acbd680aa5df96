/* The inner loops: one table per instruction set, one body for all of them.
 *
 * The body is written once (the *_body.h files) and compiled per instruction
 * set by the files kernels_<isa>.c, which differ only in vector length, tile
 * shape and compiler flags.
 *
 * Matrices. Every linear operation runs as a product with a packed panel of nr
 * columns: A (weights) in tiles of mr rows, [rows/mr][k][mr]; B (data) [k][nr],
 * zero where there is no data; C [rows][nr]. Panels are small enough for the
 * second-level cache, and the epilogue (bias, activation, sums) is applied to C
 * while it is in the first-level cache. Panels are 64-byte aligned. */
#ifndef DMX_ENGINE_KERNELS_H
#define DMX_ENGINE_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum dmx_activation {
    DMX_ACT_NONE,
    DMX_ACT_GELU,
    DMX_ACT_RELU,
    DMX_ACT_GLU,
} dmx_activation;

/* The epilogue of a product, for `channels` rows of C:
 *   y = act(gain * c + bias) * scale + add_gain * add + offset
 * With GLU the gate of row r is row r + gate, its gain and bias those of row
 * r + gate_bias. n may exceed nr when there is one channel. gain, scale, add
 * and offset may be NULL. Rows of out and add may be written and read up to the
 * next multiple of 16 columns. */
typedef struct dmx_finish {
    dmx_activation activation;
    int64_t channels, n;
    int64_t gate, gate_bias;
    const float *gain, *bias; /* per row of C */
    const float *scale, *offset;
    const float *add;
    int64_t add_stride;
    float add_gain;
    float *out;
    int64_t out_stride;
} dmx_finish;

/* The same for a transposed convolution over time: each channel has `phases`
 * rows of C, which are interleaved; elements [from, to) of the interleaved row
 * are stored to out[0 ...). Exact bounds, any alignment; no gain. */
typedef struct dmx_interleave {
    dmx_finish finish;
    int64_t phases, from, to;
} dmx_interleave;

/* A panel gathered from a signal [F][C][stride] for a convolution: row (kf, c,
 * kt) of the panel, column j, is x[row * sf - pf + kf * df][c] [(t + j) * st -
 * pt + kt * dt], zero outside [0, rows) x [0, cols). */
typedef struct dmx_window {
    const float *x;
    int64_t rows, channels, cols, stride;
    int64_t kernel[2], step[2], dilation[2], padding[2];
} dmx_window;

/* Rows of a narrow tile: for convolutions with 6 or 12 outputs. */
#define DMX_NARROW 6

typedef struct dmx_taps {
    int64_t channels, taps, dilation, width;
} dmx_taps;

/* Channels of a row: x, x + stride, ... */
typedef struct dmx_lines {
    const float *x;
    int64_t stride;
} dmx_lines;

/* One time step of an LSTM for n sequences and a tile of units. Gates are
 * stored in tiles of `lanes` units with their input, forget, cell and output
 * gates: [4][lanes]. */
typedef struct dmx_lstm_cell {
    int64_t n, k;             /* k: units, zero-padded to whole tiles */
    const float *weight;      /* [k][4][lanes] */
    const float *const *gate; /* per sequence: the contribution of its input */
    int64_t gate_offset;      /* of the tile */
    const float *before;      /* [n][pitch]: the previous output, all units */
    float *state, *after;     /* of the tile's units, [n][pitch] */
    int64_t pitch;
    float *out; /* the same as after, `step` apart */
    int64_t step;
} dmx_lstm_cell;

/* Mean and sum of squared differences from it. */
typedef struct dmx_moments {
    double count, mean, m2;
} dmx_moments;

struct dmx_fourier;

typedef struct dmx_kernels {
    const char *name;
    int64_t lanes, mr, nr;

    /* Performs only multiply-adds, rounds times mr * nr, to measure the
     * processor's peak rate; returns their sum. */
    float (*fma)(int64_t rounds);

    /* c = a * b, or c += a * b; rows is a multiple of mr */
    void (*gemm)(int64_t rows, int64_t k, const float *a, const float *b,
                 float *c);
    void (*gemm_add)(int64_t rows, int64_t k, const float *a, const float *b,
                     float *c);
    /* The same for a convolution over time with few rows, tile = mr or
     * DMX_NARROW of them at a time: the panel is [channels][width], and element
     * (c, kt) of a row of A multiplies columns kt * dilation ... of row c. */
    void (*gemm_taps)(const dmx_taps *t, int64_t tile, int64_t rows,
                      const float *a, const float *b, float *c);
    /* The panel of gemm_taps: columns t - padding ... of a row's channels. */
    void (*pack_taps)(const dmx_window *w, const dmx_taps *taps, int64_t row,
                      int64_t t, int64_t n, float *panel);
    void (*finish)(const dmx_finish *f, const float *c);
    void (*interleave)(const dmx_interleave *f, const float *c);

    void (*pack_window)(const dmx_window *w, int64_t row, int64_t t, int64_t n,
                        float *panel);
    /* Packs columns [0, n) of x [channels][stride], each normalised over its
     * channels: (x - mean) / sqrt(variance + epsilon). */
    void (*pack_normed)(const float *x, int64_t channels, int64_t stride,
                        int64_t n, double epsilon, float *panel);

    /* Packs rows as the left side of a product: out [n][mr], element (t, i) is
     * x[i][t] for i < rows <= mr, else zero. */
    void (*pack_left)(float *out, const float *x, int64_t stride, int64_t rows,
                      int64_t n);

    /* Stores a tile c [mr][nr] in blocks of mr columns, `to` floats apart:
     * element (r, j) goes to out[j / mr * to + r * mr + j % mr]. Only where nr
     * is a multiple of mr. */
    void (*split_tile)(float *out, int64_t to, const float *c);

    /* IEEE 754 binary16 to float32 */
    void (*widen_half)(float *out, const uint16_t *half, int64_t n);

    /* One block of keys of softmax attention for nr queries in the lanes, while
     * m is close enough to their maxima: s [keys][nr] = 2^(a b - m), and its
     * sums over the keys are added to l. a: keys, packed as for gemm. False,
     * with l unchanged, where the sums would become large (or NaN). */
    bool (*softmax_weights)(int64_t keys, int64_t k, const float *a,
                            const float *b, const float *m, float *l, float *s);
    /* The same with running maxima. s [keys][nr]: scores in base-2 logarithms,
     * replaced by 2^(s - m). m, l: running maximum and sum per query; decay
     * [nr]: the factor for earlier sums. */
    void (*softmax_block)(float *s, int64_t keys, float *m, float *l,
                          float *decay);
    /* o = o * decay + p, [rows][nr] */
    void (*accumulate)(float *o, const float *p, const float *decay,
                       int64_t rows);
    /* out[r][0, n) = o[r] / l */
    void (*divide_by_sums)(float *out, int64_t stride, const float *o,
                           const float *l, int64_t rows, int64_t n);

    /* Gates of several columns: y[j] = weight x[j] + bias for a tile of units,
     * weight [k][4][lanes], bias and y[j] [4][lanes]; the pitches are the
     * distances between x[j] and between y[j]. */
    void (*gates)(int64_t n, int64_t k, const float *weight, const float *bias,
                  const float *x, int64_t x_step, float *y, int64_t y_step);
    void (*lstm_cell)(const dmx_lstm_cell *cell);

    /* y[j] = sum over i < taps of weight[i] x[i % down][j + i / down], for
     * j < n, a multiple of lanes; rows of x are `width` apart and can be read
     * up to n + taps / down. */
    void (*filter)(float *y, const float *x, int64_t width, int64_t down,
                   const float *weight, int64_t taps, int64_t n);

    /* F(4, 3): transforms a row of 4 nr + lanes floats, of which 4 nr + 2 are
     * used, to 6 rows of nr tile values, row stride `to`; and 6 rows to 4 nr
     * outputs. */
    void (*winograd_line_in)(const float *x, float *v, int64_t to);
    void (*winograd_line_out)(const float *m, int64_t from, float *y);
    /* F(4x4, 3x3): transforms 6 such rows to 36, and 36 to 4 x 4 nr outputs. */
    void (*winograd_in)(const float *x, int64_t stride, float *v, int64_t to);
    void (*winograd_out)(const float *m, int64_t from, float *y,
                         int64_t stride);

    /* F(3, 2) over rows: transforms columns [0, n) of four rows, n <= nr, to 4
     * panels [channels][nr], `to` floats apart; and four contiguous products of
     * n floats to three outputs, in place. */
    void (*two_tap_in)(const dmx_lines row[4], int64_t channels, int64_t n,
                       float *v, int64_t to);
    void (*two_tap_out)(float *m, int64_t n);

    /* Strassen's method, see strassen_body.h. Blocks of n floats, a multiple of
     * nr: a, b and c as 11, 12, 21, 22; s: s1 ... s4; t: the right sides of the
     * seven products, m: their results, contiguous. */
    void (*strassen_left)(float *s, int64_t n, const float *const a[4]);
    void (*strassen_right)(float *t, int64_t n, const float *const b[4]);
    void (*strassen_sums)(float *const c[4], int64_t n, const float *m);

    /* `lanes` frames of a short-time Fourier transform at once. x: the first
     * sample of the first frame, n <= lanes frames hop apart; re, im: bin 0,
     * bins row_stride apart, frames contiguous (all lanes are written). work: 4
     * lanes bins floats. */
    void (*stft)(const struct dmx_fourier *f, const float *x, int64_t hop,
                 int64_t n, float *re, float *im, int64_t row_stride,
                 float *work);
    /* The inverse, windowed: frames [lanes][2 bins]; only n of re and im are
     * read. */
    void (*istft)(const struct dmx_fourier *f, const float *re, const float *im,
                  int64_t row_stride, int64_t n, float *frames, float *work);

    /* y = act(x) over n floats; sums over rows of n floats */
    void (*activate)(dmx_activation act, float *y, const float *x, int64_t n);
    void (*glu)(float *y, const float *value, const float *gate, int64_t n);
    void (*affine)(float *y, const float *x, float gain, float offset,
                   int64_t n);
    void (*add)(float *y, const float *a, const float *b, float alpha,
                int64_t n);
    dmx_moments (*moments)(const float *x, int64_t rows, int64_t stride,
                           int64_t n);
    /* x = gelu(gain x + offset) in place; returns nothing */
    void (*affine_gelu)(float *x, float gain, float offset, int64_t n);
    double (*sum)(const float *x, int64_t n);
    /* sum of (x - mx)(y - my) */
    double (*covariance)(const float *x, const float *y, float mx, float my,
                         int64_t n);
} dmx_kernels;

extern const dmx_kernels dmx_kernels_portable;
#if defined(__x86_64__)
extern const dmx_kernels dmx_kernels_avx2, dmx_kernels_avx512;
#elif defined(__aarch64__)
extern const dmx_kernels dmx_kernels_neon;
#elif defined(__wasm_simd128__)
extern const dmx_kernels dmx_kernels_wasm;
#endif

/* The table with this name, or for NULL the best for this processor; NULL when
 * the processor or the build lacks it. */
const dmx_kernels *dmx_kernels_find(const char *name);
/* The names of the tables that the processor supports, best first; NULL past
 * the end. */
const char *dmx_kernels_name(int index);

#endif
