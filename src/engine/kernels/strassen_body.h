/* One level of Strassen's method in Winograd's form: a product of 2 x 2 blocks
 * with seven products and fifteen sums.
 *   m0 = a11 b11              c11 = m0 + m1
 *   m1 = a12 b21              c12 = m0 + m2 + m4 + m5
 *   m2 = s4 b22               c21 = m0 - m3 + m5 + m6
 *   m3 = a22 t4               c22 = m0 + m4 + m5 + m6
 *   m4 = s1 t1
 *   m5 = s2 t2                s1 = a21 + a22   t1 = b12 - b11
 *   m6 = s3 t3                s2 = s1 - a11    t2 = b22 - t1
 *                             s3 = a11 - a21   t3 = b22 - b12
 *                             s4 = a12 - s2    t4 = t2 - b21
 * Source: Strassen, "Gaussian Elimination is not Optimal", 1969; Winograd, "On
 * Multiplication of 2 x 2 Matrices", 1971. Blocks are n floats in any order, as
 * long as all blocks of one side use the same. */

static void strassen_left(float *s, int64_t n, const float *const a[4])
{
    for (int64_t i = 0; i < n; i += LANES) {
        const vec a11 = v_load(a[0] + i), a21 = v_load(a[2] + i);
        const vec s1 = a21 + v_load(a[3] + i), s2 = s1 - a11;
        v_store(s + i, s1);
        v_store(s + n + i, s2);
        v_store(s + 2 * n + i, a11 - a21);
        v_store(s + 3 * n + i, v_load(a[1] + i) - s2);
    }
}

static void strassen_right(float *t, int64_t n, const float *const b[4])
{
    for (int64_t i = 0; i < n; i += LANES) {
        const vec b11 = v_load(b[0] + i), b12 = v_load(b[1] + i);
        const vec b21 = v_load(b[2] + i), b22 = v_load(b[3] + i);
        const vec t1 = b12 - b11, t2 = b22 - t1;
        v_store(t + i, b11);
        v_store(t + n + i, b21);
        v_store(t + 2 * n + i, b22);
        v_store(t + 3 * n + i, t2 - b21);
        v_store(t + 4 * n + i, t1);
        v_store(t + 5 * n + i, t2);
        v_store(t + 6 * n + i, b22 - b12);
    }
}

static void strassen_sums(float *const c[4], int64_t n, const float *m)
{
    for (int64_t i = 0; i < n; i += LANES, m += LANES) {
        const vec m0 = v_load(m), m4 = v_load(m + 4 * n);
        const vec u2 = m0 + v_load(m + 5 * n), u3 = u2 + v_load(m + 6 * n);
        v_store(c[0] + i, m0 + v_load(m + n));
        v_store(c[1] + i, u2 + m4 + v_load(m + 2 * n));
        v_store(c[2] + i, u3 - v_load(m + 3 * n));
        v_store(c[3] + i, u3 + m4);
    }
}
