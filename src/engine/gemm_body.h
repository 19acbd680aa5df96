/* c [rows][NR] = a [rows/MR][k][MR] * b [k][NR], all of a tile in registers. */
#define NR (VECS * LANES)

INLINE void gemm_tile(int64_t k, const float *restrict a,
                      const float *restrict b, float *restrict c)
{
    vec sum[MR][VECS];
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            sum[i][j] = (vec){0};
    for (; k > 0; k--, a += MR, b += NR) {
        vec x[VECS];
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            x[j] = v_load(b + j * LANES);
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            const vec w = v_set(a[i]);
#pragma GCC unroll 4
            for (int j = 0; j < VECS; j++)
                sum[i][j] += w * x[j];
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            v_store(c + i * NR + j * LANES, sum[i][j]);
}

static void gemm(int64_t rows, int64_t k, const float *a, const float *b,
                 float *c)
{
    for (int64_t i = 0; i < rows; i += MR)
        gemm_tile(k, a + i * k, b, c + i * NR);
}
