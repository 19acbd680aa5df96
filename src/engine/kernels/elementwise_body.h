/* Operations over whole rows, and sums over them. Rows are processed in full
 * vectors: the caller owns the memory up to the next multiple of 16 floats. */

static void activate(dmx_activation act, float *y, const float *x, int64_t n)
{
    if (act == DMX_ACT_GELU)
        for (int64_t j = 0; j < n; j += LANES)
            v_store(y + j, v_gelu(v_load(x + j)));
    else
        for (int64_t j = 0; j < n; j += LANES)
            v_store(y + j, v_max(v_set(0.0f), v_load(x + j)));
}

static void glu(float *y, const float *value, const float *gate, int64_t n)
{
    for (int64_t j = 0; j < n; j += LANES)
        v_store(y + j, v_load(value + j) * v_sigmoid(v_load(gate + j)));
}

static void affine_row(float *y, const float *x, float gain, float offset,
                       int64_t n)
{
    const vec a = v_set(gain), b = v_set(offset);
    for (int64_t j = 0; j < n; j += LANES)
        v_store(y + j, v_load(x + j) * a + b);
}

static void affine_gelu(float *x, float gain, float offset, int64_t n)
{
    const vec a = v_set(gain), b = v_set(offset);
    for (int64_t j = 0; j < n; j += LANES)
        v_store(x + j, v_gelu(v_load(x + j) * a + b));
}

static void add_row(float *y, const float *a, const float *b, float alpha,
                    int64_t n)
{
    const vec s = v_set(alpha);
    for (int64_t j = 0; j < n; j += LANES)
        v_store(y + j, v_load(a + j) + v_load(b + j) * s);
}

/* At most SPAN terms are summed in float lanes, then added to a double. */
#define SPAN (64 * LANES)

INLINE int64_t span_end(int64_t j, int64_t n)
{
    const int64_t end = j + SPAN;
    return end < n ? end : n;
}

static double sum_of_row(const float *x, int64_t n)
{
    double total = 0.0;
    for (int64_t j = 0; j < n;) {
        const int64_t end = span_end(j, n);
        vec part = {0};
        for (; j + LANES <= end; j += LANES)
            part += v_load(x + j);
        total += v_sum_double(part);
        for (; j < end; j++)
            total += (double)x[j];
    }
    return total;
}

static double covariance(const float *x, const float *y, float mx, float my,
                         int64_t n)
{
    const vec ax = v_set(mx), ay = v_set(my);
    double total = 0.0;
    for (int64_t j = 0; j < n;) {
        const int64_t end = span_end(j, n);
        vec part = {0};
        for (; j + LANES <= end; j += LANES)
            part += (v_load(x + j) - ax) * (v_load(y + j) - ay);
        total += v_sum_double(part);
        for (; j < end; j++)
            total += (double)(x[j] - mx) * (double)(y[j] - my);
    }
    return total;
}

/* The mean first, then squares around it: no cancellation. The second pass uses
 * the mean rounded to float32, and the result is corrected for the difference.
 */
static dmx_moments moments(const float *x, int64_t rows, int64_t stride,
                           int64_t n)
{
    dmx_moments m = {(double)rows * (double)n, 0.0, 0.0};
    for (int64_t r = 0; r < rows; r++)
        m.mean += sum_of_row(x + r * stride, n);
    m.mean /= m.count;
    const float near = (float)m.mean;
    for (int64_t r = 0; r < rows; r++)
        m.m2 += covariance(x + r * stride, x + r * stride, near, near, n);
    const double off = m.mean - (double)near;
    m.m2 -= m.count * off * off;
    return m;
}
