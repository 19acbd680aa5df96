/* LSTMs with the gates of hidden units in the lanes: a few sequences at a time
 * meet every weight once, and what follows the product happens in registers.
 * And filters over time. */

/* Sequences at a time: their sums, and the weights of a tile, have registers.
 */
#if defined(__AVX512F__) || defined(__aarch64__)
#define SEQUENCES 6
#else
#define SEQUENCES 3
#endif

typedef vec gate_sums[SEQUENCES][4];

/* Recurrent weights come from beyond the second-level cache when they are
 * many. */
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
INLINE void cell_finish(const vec gate[4], const dmx_lstm_cell *c, int64_t j)
{
    const vec i = v_sigmoid(gate[0]), f = v_sigmoid(gate[1]);
    const vec g = v_tanh(gate[2]), o = v_sigmoid(gate[3]);
    const vec state = f * v_load(c->state + j * c->pitch) + i * g;
    const vec h = o * v_tanh(state);
    v_store(c->state + j * c->pitch, state);
    v_store(c->after + j * c->pitch, h);
    v_store(c->out + j * c->step, h);
}

INLINE void cell_sequences(const int n, const dmx_lstm_cell *c, int64_t first)
{
    gate_sums sum;
#pragma GCC unroll 8
    for (int j = 0; j < n; j++)
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
            sum[j][r] = v_load(c->gate[first + j] + c->gate_offset + r * LANES);
    if (c->before != NULL)
        gates_product(n, c->k, c->weight, c->before + first * c->pitch,
                      c->pitch, sum);
    for (int j = 0; j < n; j++)
        cell_finish(sum[j], c, first + j);
}

/* Nearly equal numbers of sequences at a time: weights are loaded for each. */
static void lstm_cell(const dmx_lstm_cell *c)
{
    const int64_t times = (c->n + SEQUENCES - 1) / SEQUENCES;
    for (int64_t i = 0, at = 0; i < times; i++) {
        const int64_t n = (c->n - at + times - i - 1) / (times - i);
        switch (n) {
#if SEQUENCES > 3
        case 6:
            cell_sequences(6, c, at);
            break;
        case 5:
            cell_sequences(5, c, at);
            break;
        case 4:
            cell_sequences(4, c, at);
            break;
#endif
        case 3:
            cell_sequences(3, c, at);
            break;
        case 2:
            cell_sequences(2, c, at);
            break;
        default:
            cell_sequences(1, c, at);
        }
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
