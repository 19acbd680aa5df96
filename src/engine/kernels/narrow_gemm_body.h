/* c [rows][NR] = a b, all of an MR x NR tile of int32 sums in registers. */

typedef veci int_sums[MR][VECS];

/* The prefetch distance in 32-bit words: as many bytes as in gemm_body.h. */
#define WORDS_AHEAD 512

INLINE veci v_load_int(const int32_t *p)
{
    return (veci)v_load((const float *)(const void *)p);
}

INLINE float float_at(const int32_t *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return x;
}

#if DOT == DOT_I8MM
/* sum += a [words][MR] * b [words][NR], of int8, by products of 2 x 8 and 8 x 2
 * numbers: two words of two rows, and of two columns, lie side by side in a
 * vector. An odd last word is followed by zeros. */
INLINE void matrix_product(int64_t words, const int32_t *restrict a,
                           const int32_t *restrict b, int_sums sum)
{
    veci square[MR / 2][2 * VECS] = {{{0}}};
    for (int64_t k = 0; k < words; k += 2, a += 2 * MR, b += 2 * NR) {
        const bool both = k + 1 < words;
        veci x[2 * VECS], w[2];
        __builtin_prefetch(a + WORDS_AHEAD);
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            pairs_of(x + 2 * j, v_load_int(b + j * LANES),
                     both ? v_load_int(b + NR + j * LANES) : (veci){0});
#pragma GCC unroll 8
        for (int i = 0; i < MR / 2; i++) {
            if (i % 2 == 0)
                pairs_of(w, v_load_int(a + 2 * i),
                         both ? v_load_int(a + MR + 2 * i) : (veci){0});
#pragma GCC unroll 8
            for (int j = 0; j < 2 * VECS; j++)
                square[i][j] = dot_square(square[i][j], w[i % 2], x[j]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < MR / 2; i++)
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            add_rows(&sum[2 * i][j], &sum[2 * i + 1][j], square[i][2 * j],
                     square[i][2 * j + 1]);
}
#endif

/* sum += a [words][MR] * b [words][NR] */
INLINE void int_product(const dmx_number kind, int64_t words,
                        const int32_t *restrict a, const int32_t *restrict b,
                        int_sums sum)
{
#if DOT == DOT_I8MM
    if (kind == DMX_INT8) {
        matrix_product(words, a, b, sum);
        return;
    }
#endif
    for (int64_t k = 0; k < words; k++, a += MR, b += NR) {
        veci x[VECS];
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            x[j] = v_load_int(b + j * LANES);
        __builtin_prefetch(a + WORDS_AHEAD);
#pragma GCC unroll 8
        for (int i = 0; i < MR; i++) {
            const veci w = v_set_int(a[i]);
#pragma GCC unroll 4
            for (int j = 0; j < VECS; j++)
                sum[i][j] = v_dot(kind, sum[i][j], x[j], w);
        }
    }
}

/* The initial value of a sum: zero, or a correction so that stored data q -
 * DATA_BIAS acts as q - zero. row, col: sums of q of the rows, zeros of the
 * columns. */
INLINE void int_start(const dmx_number kind, const int32_t *row,
                      const int32_t *col, int_sums sum)
{
#pragma GCC unroll 8
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++) {
            sum[i][j] = (veci){0};
            if (kind == DMX_INT8)
                sum[i][j] = v_wrapping_product(v_set_int(DATA_BIAS) -
                                                   v_load_int(col + j * LANES),
                                               v_set_int(row[i]));
        }
}

INLINE void int_store(int_sums sum, const int32_t *row, const vec *col,
                      float *c, const bool add)
{
#pragma GCC unroll 8
    for (int i = 0; i < MR; i++) {
        const vec scale = v_set(float_at(row + i));
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++) {
            float *to = c + i * NR + j * LANES;
            vec v = __builtin_convertvector(sum[i][j], vec) * (scale * col[j]);
            if (add)
                v += v_load(to);
            v_store(to, v);
        }
    }
}

INLINE void multiply_chunk(const dmx_number kind, int64_t words,
                           const int32_t *a, const int32_t *b,
                           const int32_t *row, const int32_t *col, float *c,
                           const bool add)
{
    int_sums sum;
    vec scale[VECS];
    int_start(kind, row + MR, col + NR, sum);
    int_product(kind, words, a, b, sum);
    for (int j = 0; j < VECS; j++)
        scale[j] = (vec)v_load_int(col + j * LANES);
    int_store(sum, row, scale, c, add);
}

INLINE void multiply_kind(const dmx_number kind, const dmx_cut *cut,
                          int64_t rows, const int32_t *a, const int32_t *panel,
                          float *c, bool add)
{
    const int64_t words = dmx_narrow_words(cut);
    const int64_t chunk = cut->chunk / (kind == DMX_INT8 ? 4 : 2);
    for (int64_t i = 0; i < rows; i += MR, c += MR * NR) {
        const int32_t *row = a + words * MR, *col = panel + words * NR;
        for (int64_t k = 0; k < words; k += chunk) {
            const int64_t n = words - k < chunk ? words - k : chunk;
            if (k == 0 && !add)
                multiply_chunk(kind, n, a, panel, row, col, c, false);
            else
                multiply_chunk(kind, n, a + k * MR, panel + k * NR, row, col, c,
                               true);
            row += 2 * MR;
            col += 2 * NR;
        }
        a = row;
    }
}

static void narrow_multiply(const dmx_cut *cut, int64_t rows, const int32_t *a,
                            const int32_t *panel, float *c, bool add)
{
    if (cut->kind == DMX_INT16)
        multiply_kind(DMX_INT16, cut, rows, a, panel, c, add);
    else
        multiply_kind(DMX_INT8, cut, rows, a, panel, c, add);
}
