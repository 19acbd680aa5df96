/* LSTMs with the gates of hidden units in the lanes: each weight is loaded once
 * for a few sequences, and the activations run in registers. Also filters over
 * time. */

/* Sequences at a time: their sums and the weights of a tile fit in registers.
 */
#if defined(__AVX512F__) || defined(__aarch64__)
#define SEQUENCES 6
#else
#define SEQUENCES 3
#endif

typedef vec gate_sums[SEQUENCES][4];

/* Large recurrent weights come from beyond the second-level cache. */
#define GATES_AHEAD (16 * 4 * LANES)

/* sum += weight [k][4][LANES] * x[j] for n sequences */
INLINE void gates_product(const int n, int64_t k, const float *restrict w,
                          const float *restrict x, int64_t step, gate_sums sum)
{
    for (int64_t i = 0; i < k; i++, w += 4 * LANES, x++) {
        vec row[4];
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) {
            row[r] = v_load(w + r * LANES);
            if (r * LANES % 16 == 0)
                __builtin_prefetch(w + GATES_AHEAD + r * LANES);
        }
#pragma GCC unroll 8
        for (int j = 0; j < n; j++) {
            const vec e = v_set(x[j * step]);
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
                sum[j][r] += row[r] * e;
        }
    }
}

INLINE void gates_columns(const int n, int64_t k, const float *w,
                          const float *bias, const float *x, int64_t x_step,
                          float *y, int64_t y_step)
{
    gate_sums sum;
#pragma GCC unroll 8
    for (int j = 0; j < n; j++)
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
            sum[j][r] = v_load(bias + r * LANES);
    gates_product(n, k, w, x, x_step, sum);
#pragma GCC unroll 8
    for (int j = 0; j < n; j++)
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
            v_store(y + j * y_step + r * LANES, sum[j][r]);
}

static void gates(int64_t n, int64_t k, const float *w, const float *bias,
                  const float *x, int64_t x_step, float *y, int64_t y_step)
{
    int64_t j = 0;
    for (; j + SEQUENCES <= n; j += SEQUENCES)
        gates_columns(SEQUENCES, k, w, bias, x + j * x_step, x_step,
                      y + j * y_step, y_step);
    for (; j < n; j++)
        gates_columns(1, k, w, bias, x + j * x_step, x_step, y + j * y_step,
                      y_step);
}

/* c = f c + i g, h = o tanh(c) */
INLINE void cell_finish(const float *gate, const dmx_lstm_cell *c, int64_t j)
{
    const vec i = v_sigmoid(v_load(gate)), f = v_sigmoid(v_load(gate + LANES));
    const vec g = v_tanh(v_load(gate + 2 * LANES));
    const vec o = v_sigmoid(v_load(gate + 3 * LANES));
    const vec state = f * v_load(c->state + j * c->pitch) + i * g;
    const vec h = o * v_tanh(state);
    v_store(c->state + j * c->pitch, state);
    v_store(c->after + j * c->pitch, h);
    v_store(c->out + j * c->step, h);
}

/* The sums pass through memory: arrays indexed in a loop are not kept in
 * registers. */
INLINE void cell_sequences(const int n, const dmx_lstm_cell *c, int64_t first)
{
    float gate[SEQUENCES * 4 * LANES];
    gate_sums sum;
#pragma GCC unroll 8
    for (int j = 0; j < n; j++)
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
            sum[j][r] = v_load(c->gate[first + j] + c->gate_offset + r * LANES);
    gates_product(n, c->k, c->weight, c->before + first * c->pitch, c->pitch,
                  sum);
#pragma GCC unroll 8
    for (int j = 0; j < n; j++)
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
            v_store(gate + (j * 4 + r) * LANES, sum[j][r]);
    for (int j = 0; j < n; j++)
        cell_finish(gate + j * 4 * LANES, c, first + j);
}

/* Separate functions, or the compiler would not keep the sums in registers. */
#define CELL(n)                                                                \
    static __attribute__((noinline)) void cell_##n(const dmx_lstm_cell *c,     \
                                                   int64_t first)              \
    {                                                                          \
        cell_sequences(n, c, first);                                           \
    }
CELL(1)
CELL(2)
CELL(3)
#if SEQUENCES > 3
CELL(4)
CELL(5)
CELL(6)
#endif

/* Splits the sequences into nearly equal groups: weights are loaded once per
 * group. */
static void lstm_cell(const dmx_lstm_cell *c)
{
    static void (*const cell[])(const dmx_lstm_cell *, int64_t) = {
        NULL,
        cell_1,
        cell_2,
        cell_3,
#if SEQUENCES > 3
        cell_4,
        cell_5,
        cell_6,
#endif
    };
    const int64_t times = (c->n + SEQUENCES - 1) / SEQUENCES;
    for (int64_t i = 0, at = 0; i < times; i++) {
        const int64_t n = (c->n - at + times - i - 1) / (times - i);
        cell[n](c, at);
        at += n;
    }
}

/* ---- filters ------------------------------------------------------------- */

#define FILTER_VECS 4

INLINE void filter_vecs(const int vecs, float *y, const float *x, int64_t width,
                        int64_t down, const float *weight, int64_t taps)
{
    vec sum[FILTER_VECS];
    for (int v = 0; v < vecs; v++)
        sum[v] = (vec){0};
    for (int64_t p = 0; p < down; p++, x += width)
        for (int64_t i = p, at = 0; i < taps; i += down, at++) {
            const vec w = v_set(weight[i]);
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++)
                sum[v] += w * v_load(x + at + v * LANES);
        }
    for (int v = 0; v < vecs; v++)
        v_store(y + v * LANES, sum[v]);
}

static void filter(float *y, const float *x, int64_t width, int64_t down,
                   const float *weight, int64_t taps, int64_t n)
{
    int64_t j = 0;
    for (; j + FILTER_VECS * LANES <= n; j += FILTER_VECS * LANES)
        filter_vecs(FILTER_VECS, y + j, x + j, width, down, weight, taps);
    for (; j < n; j += LANES)
        filter_vecs(1, y + j, x + j, width, down, weight, taps);
}
