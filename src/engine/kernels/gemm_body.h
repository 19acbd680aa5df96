/* c [rows][NR] = a [rows/m][k][m] * b, all of an m x NR tile in registers. */
#define NR (VECS * LANES)

typedef vec tile_sums[DMX_NARROW > MR ? DMX_NARROW : MR][VECS];

INLINE void tile_clear(const int m, tile_sums sum)
{
#pragma GCC unroll 16
    for (int i = 0; i < m; i++)
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            sum[i][j] = (vec){0};
}

/* A column of a tile of A, and one element of it in every lane. NEON multiplies
 * by a lane of a register, so it loads four elements at once, which may read
 * past the packed weights. */
#if defined(__aarch64__)
typedef struct column {
    vec part[2];
} column;

INLINE column column_load(const int m, const float *a)
{
    column c;
    c.part[0] = v_load(a);
    c.part[1] = v_load(a + (m > 4 ? 4 : 0));
    return c;
}

INLINE vec column_element(column c, int i)
{
    return v_set(c.part[i / 4][i % 4]);
}
#else
typedef const float *column;

INLINE column column_load(const int m, const float *a)
{
    (void)m;
    return a;
}

INLINE vec column_element(column c, int i)
{
    return v_set(c[i]);
}
#endif

/* sum += a [m] * b [NR] */
INLINE void tile_multiply_add(const int m, tile_sums sum,
                              const float *restrict a, const float *restrict b)
{
    vec x[VECS];
    const column w = column_load(m, a);
#pragma GCC unroll 4
    for (int j = 0; j < VECS; j++)
        x[j] = v_load(b + j * LANES);
#pragma GCC unroll 16
    for (int i = 0; i < m; i++) {
        const vec e = column_element(w, i);
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            sum[i][j] = v_fma(e, x[j], sum[i][j]);
    }
}

INLINE void tile_store(const int m, float *restrict c, tile_sums sum)
{
#pragma GCC unroll 16
    for (int i = 0; i < m; i++)
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            v_store(c + i * NR + j * LANES, sum[i][j]);
}

INLINE void tile_add(const int m, const float *restrict c, tile_sums sum)
{
#pragma GCC unroll 16
    for (int i = 0; i < m; i++)
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            sum[i][j] += v_load(c + i * NR + j * LANES);
}

/* Weights are streamed once per panel, mostly from beyond the second-level
 * cache; they are prefetched this many floats ahead. */
#define AHEAD 512

/* sum += a [k][MR] * b [k][NR] */
INLINE void tile_product(int64_t k, const float *a, const float *b,
                         tile_sums sum)
{
    for (int64_t j = 0; j < k; j++, a += MR, b += NR) {
        __builtin_prefetch(a + AHEAD);
        tile_multiply_add(MR, sum, a, b);
    }
}

static float fma_rounds(int64_t rounds)
{
    const vec x = v_set(0.999f), y = v_set(1e-3f);
    tile_sums sum;
    /* all different, or the compiler would merge them */
    for (int i = 0; i < MR; i++)
        for (int j = 0; j < VECS; j++)
            sum[i][j] = v_set((float)(i * VECS + j));
    for (; rounds > 0; rounds--)
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
            for (int j = 0; j < VECS; j++)
                sum[i][j] = v_fma(sum[i][j], x, y);
    vec all = {0};
    for (int i = 0; i < MR; i++)
        for (int j = 0; j < VECS; j++)
            all += sum[i][j];
    return v_sum(all);
}

static void gemm(int64_t rows, int64_t k, const float *a, const float *b,
                 float *c)
{
    for (int64_t i = 0; i < rows; i += MR, a += MR * k, c += MR * NR) {
        tile_sums sum;
        tile_clear(MR, sum);
        tile_product(k, a, b, sum);
        tile_store(MR, c, sum);
    }
}

/* c is added last: it may be the sum of thousands of products, and when these
 * are alike, as in silence, every addition to a growing sum is rounded in the
 * same direction. */
static void gemm_add(int64_t rows, int64_t k, const float *a, const float *b,
                     float *c)
{
    for (int64_t i = 0; i < rows; i += MR, a += MR * k, c += MR * NR) {
        tile_sums sum;
        tile_clear(MR, sum);
        tile_product(k, a, b, sum);
        tile_add(MR, c, sum);
        tile_store(MR, c, sum);
    }
}

INLINE void taps_rows(const int m, const dmx_taps *t, int64_t rows,
                      const float *a, const float *b, float *c)
{
    for (int64_t i = 0; i < rows; i += m, c += m * NR) {
        tile_sums sum;
        tile_clear(m, sum);
        for (int64_t ch = 0; ch < t->channels; ch++) {
            const float *x = b + ch * t->width;
            for (int64_t kt = 0; kt < t->taps; kt++, a += m, x += t->dilation)
                tile_multiply_add(m, sum, a, x);
        }
        tile_store(m, c, sum);
    }
}

static void gemm_taps(const dmx_taps *t, int64_t tile, int64_t rows,
                      const float *a, const float *b, float *c)
{
    if (tile == DMX_NARROW)
        taps_rows(DMX_NARROW, t, rows, a, b, c);
    else
        taps_rows(MR, t, rows, a, b, c);
}
