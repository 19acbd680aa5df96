/* Means, and the norms based on them. The norm operators of runtimes lose
 * accuracy in sums over long rows; one reduction per axis keeps float32
 * accuracy. */
#include "onnx/emit_weights.h"
#include "onnx/walk.h"

#include <math.h>

/* Rows up to this length are summed in one reduction: those of the innermost
 * time level of released models, which would otherwise need 32 more nodes. */
#define LONG_ROW 1344
/* The same where the length is free: actual rows may be ten times as long, and
 * the rows of the time branch can be divided without a copy. */
#define LONG_FREE_ROW 512
#define VERY_LONG_ROW 8192
enum { RUN = 64, RUNS = 32 };
#define LARGE_TENSOR ((int64_t)1000000)

/* The divisor of n closest to its square root, from below. */
static int64_t near_root(int64_t n)
{
    int64_t best = 1;
    for (int64_t d = 2; d * d <= n; d++)
        if (n % d == 0)
            best = d;
    return best;
}

static int64_t root_above(int64_t n)
{
    int64_t d = 1;
    while (d * d < n)
        d++;
    return d;
}

/* Two successive reductions over rows of [1, C, F, a * b], viewed as a rows of
 * b; the result is [1, C, F, 1]. */
static dmx_name two_stages(dmx_emitter *e, const char *first,
                           const char *second, dmx_name x,
                           const dmx_extent dim[3], dmx_extent a, int64_t b)
{
    const bool one_row = dim[1] == 1;
    const dmx_extent n = e->batch, all = dmx_extent_times(e, n, dim[0]);
    x = one_row ? dmx_emit_reshape(e, x, DMX_DIMS(n, dim[0], a, b))
                : dmx_emit_reshape(e, x, DMX_DIMS(all, dim[1], a, b));
    x = dmx_emit_reduce(e, first, x, 3);
    x = dmx_emit_reduce(e, second, x, 2);
    return one_row ? x : dmx_emit_reshape(e, x, DMX_DIMS(n, dim[0], dim[1], 1));
}

/* For lengths that are prime or nearly so: zeros fill up a rectangle. */
static dmx_name padded_sum(dmx_emitter *e, const char *first, dmx_name x,
                           const dmx_extent dim[3])
{
    const int64_t n = dim[2], side = root_above(n);
    const int64_t rows = (n + side - 1) / side;
    x = dmx_emit_pad(e, x, 4, 3, 0, rows * side - n, DMX_PAD_ZEROS);
    return two_stages(e, first, "ReduceSum", x, dim, rows, side);
}

/* Whether rows are short enough to be summed in one reduction. */
static bool is_short(const dmx_emitter *e, const dmx_extent dim[3])
{
    const bool divides = dmx_extent_is_free(dim[2]) && dim[1] == 1;
    return dmx_extent_typical(e, dim[2]) <=
           (divides ? LONG_FREE_ROW : LONG_ROW);
}

/* A power of two near the root of 16 n: other lengths may be many times as
 * long, and that root splits them evenly. */
static int64_t free_side(int64_t n)
{
    int64_t side = 8;
    while (2 * side * side < 16 * n)
        side *= 2;
    return side;
}

/* Pads x [1, C, F, L] with zeros to whole runs of `side`; *rows is their
 * number, which need not follow a rule of the input's length. */
static dmx_name fill_runs(dmx_emitter *e, dmx_name x, const dmx_extent dim[3],
                          int64_t side, dmx_extent *rows)
{
    const int64_t none = 0, up = side - 1;
    dmx_length y;
    if (dmx_length_ceil(&y, dmx_extent_rule(e, dim[2]).length, side)) {
        *rows = dmx_extent_of(e, y, false);
        return dmx_emit_pad_to(e, x, 4, 3, dim[2],
                               dmx_extent_times(e, *rows, side));
    }
    const dmx_name n = dmx_extent_operand(e, dim[2]);
    const dmx_name run = dmx_constant_i64(e, &side, 1);
    dmx_name whole = dmx_integer_op(e, "Add", n, dmx_constant_i64(e, &up, 1));
    whole = dmx_integer_op(e, "Div", whole, run);
    whole = dmx_integer_op(e, "Mul", whole, run);
    *rows = DMX_UNNAMED;
    const dmx_name fill = dmx_integer_op(e, "Sub", whole, n);
    return dmx_emit_pad_names(e, x, 4, 3, dmx_constant_i64(e, &none, 1), fill,
                              DMX_UNNAMED, DMX_PAD_ZEROS);
}

/* Rows whose sums take three stages: of 60 s they are seven times as long. */
static bool is_very_long(const dmx_emitter *e, const dmx_extent dim[3])
{
    return dim[1] == 1 && dmx_extent_typical(e, dim[2]) > VERY_LONG_ROW;
}

/* In runs of RUN numbers, and of RUNS of those. */
static dmx_name three_stages(dmx_emitter *e, const char *first, dmx_name x,
                             const dmx_extent dim[3])
{
    dmx_extent rows;
    x = fill_runs(e, x, dim, RUNS * RUN, &rows);
    const dmx_extent runs =
        rows == DMX_UNNAMED ? rows : dmx_extent_times(e, rows, RUNS);
    x = dmx_emit_reshape(e, x, DMX_DIMS(e->batch, dim[0], runs, RUN));
    x = dmx_emit_reduce(e, first, x, 3);
    x = dmx_emit_reshape(e, x, DMX_DIMS(e->batch, dim[0], rows, RUNS));
    x = dmx_emit_reduce(e, "ReduceSum", x, 3);
    return dmx_emit_reduce(e, "ReduceSum", x, 2);
}

/* Sum over an axis of free length, 1 of [1, L, .., ..] or 3 of [1, C, 1, L],
 * in runs: zeros fill the last one. */
static dmx_name free_sum(dmx_emitter *e, const char *first, dmx_name x,
                         const dmx_extent dim[3])
{
    if (is_very_long(e, dim))
        return three_stages(e, first, x, dim);
    const int64_t side = free_side(dmx_extent_typical(e, dim[2]));
    dmx_extent rows;
    x = fill_runs(e, x, dim, side, &rows);
    return two_stages(e, first, "ReduceSum", x, dim, rows, side);
}

dmx_name dmx_emit_mean_time(dmx_emitter *e, dmx_name x, const dmx_extent dim[3])
{
    const int64_t n = dmx_extent_typical(e, dim[2]), d = near_root(n);
    if (is_short(e, dim))
        return dmx_emit_reduce(e, "ReduceMean", x, 3);
    if (dmx_extent_is_free(dim[2])) {
        const dmx_name count = dmx_extent_float(e, dim[2]);
        return dmx_emit_2(e, "Div", free_sum(e, "ReduceSum", x, dim), count);
    }
    if (n / d <= LONG_ROW)
        return two_stages(e, "ReduceMean", "ReduceMean", x, dim, d, n / d);
    x = padded_sum(e, "ReduceSum", x, dim);
    return dmx_emit_mul_scalar(e, x, 1.0 / (double)n);
}

/* Sum of squares over one axis of `count` elements. Runtimes have fast kernels
 * for sums and products, and a slow one for both combined, which is better only
 * where an additional node costs more than a pass. */
static dmx_name energy(dmx_emitter *e, dmx_name x, int64_t count, int64_t axis)
{
    if (count < LARGE_TENSOR)
        return dmx_emit_reduce(e, "ReduceSumSquare", x, axis);
    return dmx_emit_reduce(e, "ReduceSum", dmx_emit_2(e, "Mul", x, x), axis);
}

dmx_name dmx_emit_energy_time(dmx_emitter *e, dmx_name x,
                              const dmx_extent dim[3])
{
    const int64_t n = dmx_extent_typical(e, dim[2]), d = near_root(n);
    if (is_short(e, dim))
        return energy(e, x, dim[0] * dim[1] * n, 3);
    if (dmx_extent_is_free(dim[2]))
        return free_sum(e, "ReduceSumSquare", x, dim);
    if (n / d <= LONG_ROW)
        return two_stages(e, "ReduceSumSquare", "ReduceSum", x, dim, d, n / d);
    return padded_sum(e, "ReduceSumSquare", x, dim);
}

/* Values over time [1, C, F, 1] averaged over rows unless per_row, and over
 * each group's channels, repeated for every channel of the group:
 * [1, 1 or C, 1 or F, 1]. */
static dmx_name signal_mean(dmx_emitter *e, dmx_name x, const dmx_extent dim[3],
                            int64_t groups, bool per_row)
{
    const dmx_extent n = e->batch;
    int64_t f = dim[1];
    const int64_t c = dim[0], each = c / groups;
    if (!per_row && f > 1) {
        x = dmx_emit_reduce(e, "ReduceMean", x, 2);
        f = 1;
    }
    if (each == 1)
        return x;
    if (groups == 1)
        return dmx_emit_reduce(e, "ReduceMean", x, 1);
    x = dmx_emit_reshape(e, x, DMX_DIMS(n, groups, each, f));
    x = dmx_emit_reduce(e, "ReduceMean", x, 2);
    x = dmx_emit_expand(e, x, DMX_DIMS(n, groups, each, f));
    return dmx_emit_reshape(e, x, DMX_DIMS(n, c, f, 1));
}

/* Tokens as [1, L, groups, each] when their number is free or there are several
 * inputs, averaged in runs over L, each mean for its group: [1, 1, 1, D]. */
static dmx_name token_sum(dmx_emitter *e, dmx_name x, const dmx_extent dim[2],
                          int64_t groups)
{
    const int64_t width = dim[1],
                  side = free_side(dmx_extent_typical(e, dim[0]));
    const dmx_extent n = e->batch, runs = dmx_extent_ceil(e, dim[0], side);
    x = dmx_emit_pad_to(e, x, 4, 1, dim[0], dmx_extent_times(e, runs, side));
    x = dmx_emit_reshape(e, x, DMX_DIMS(n, runs, side, groups));
    x = dmx_emit_reduce(e, "ReduceSum", x, 2);
    x = dmx_emit_reduce(e, "ReduceSum", x, 1);
    x = dmx_emit_2(e, "Div", x, dmx_extent_float(e, dim[0]));
    if (groups == 1)
        return x;
    x = dmx_emit_reshape(e, x, DMX_DIMS(n, 1, groups, 1));
    x = dmx_emit_expand(e, x, DMX_DIMS(n, 1, groups, width / groups));
    return dmx_emit_reshape(e, x, DMX_DIMS(n, 1, 1, width));
}

/* Whether statistics of tokens are summed in runs of a free number of them:
 * rows of their own are runs already, and one group needs no division. */
static bool sums_tokens(const dmx_walk *w, dmx_value v, int64_t groups)
{
    const dmx_extent length = dmx_walk_dim(w, v)[0];
    return groups > 1 ? dmx_extent_is_free(length) || w->e.batch != 1
                      : dmx_extent_is_free(length) && dmx_walk_rows(w, v) == 1;
}

/* Of values per token [1, R, W, 1], or of grouped tokens, the mean over tokens,
 * each for its group: [1, 1, 1, 1] or [1, 1, D]. */
static dmx_name token_mean(dmx_emitter *e, dmx_name x, const dmx_extent dim[2],
                           int64_t groups)
{
    const int64_t width = dim[1], each = width / groups;
    if (groups == 1)
        return dmx_emit_reduce(e, "ReduceMean",
                               dmx_emit_reduce(e, "ReduceMean", x, 2), 1);
    x = dmx_emit_reduce(e, "ReduceMean", x, 1);
    if (near_root(dim[0]) > 1)
        x = dmx_emit_reduce(e, "ReduceMean", x, 0);
    x = dmx_emit_expand(e, x, DMX_DIMS(1, 1, groups, each));
    return dmx_emit_reshape(e, x, DMX_DIMS(1, 1, width));
}

/* Tokens [1, R, W, D] with an axis of groups: [a, L / a, groups, each], a near
 * the root of L. Silence yields equal tokens, and in a long sum of equal
 * numbers every addition is rounded in the same direction. */
static dmx_name grouped_tokens(dmx_walk *w, dmx_value v, dmx_name x,
                               int64_t groups)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *dim = dmx_walk_dim(w, v);
    const int64_t each = dim[1] / groups;
    if (sums_tokens(w, v, groups))
        return dmx_emit_reshape(e, x, DMX_DIMS(e->batch, dim[0], groups, each));
    const int64_t a = near_root(dim[0]);
    return groups == 1
               ? x
               : dmx_emit_reshape(e, x, DMX_DIMS(a, dim[0] / a, groups, each));
}

/* x: the tokens' values reduced over their last axis. */
static dmx_name mean_of_tokens(dmx_walk *w, const dmx_node *n, dmx_name x)
{
    const dmx_extent *dim = dmx_walk_dim(w, n->in[0]);
    return sums_tokens(w, n->in[0], n->at.groups)
               ? token_sum(&w->e, x, dim, n->at.groups)
               : token_mean(&w->e, x, dim, n->at.groups);
}

static dmx_name group_mean(dmx_walk *w, const dmx_node *n, dmx_name x)
{
    const dmx_extent *dim = dmx_walk_dim(w, n->in[0]);
    if (w->g->value[n->in[0]].shape.rank == 2) {
        x = grouped_tokens(w, n->in[0], x, n->at.groups);
        return mean_of_tokens(w, n, dmx_emit_reduce(&w->e, "ReduceMean", x, 3));
    }
    return signal_mean(&w->e, dmx_emit_mean_time(&w->e, x, dim), dim,
                       n->at.groups, n->at.rows == DMX_ROWS_BATCH);
}

/* Mean square of the centred x times *count. */
static dmx_name group_energy(dmx_walk *w, const dmx_node *n, dmx_name x,
                             double *count)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *dim = dmx_walk_dim(w, n->in[0]);
    if (w->g->value[n->in[0]].shape.rank == 2) {
        *count = (double)(dim[1] / n->at.groups);
        x = grouped_tokens(w, n->in[0], x, n->at.groups);
        x = energy(e, x, dmx_extent_typical(e, dim[0]) * dim[1], 3);
        return mean_of_tokens(w, n, x);
    }
    const bool free = dmx_extent_is_free(dim[2]);
    *count = free ? 1.0 : (double)dim[2];
    x = signal_mean(e, dmx_emit_energy_time(e, x, dim), dim, n->at.groups,
                    n->at.rows == DMX_ROWS_BATCH);
    return free ? dmx_emit_2(e, "Div", x, dmx_extent_float(e, dim[2])) : x;
}

/* (x - mean) * (weight / sqrt(var + eps)) + bias; var is multiplied by a count,
 * which is folded into the other two. */
void dmx_recipe_group_norm(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const bool tokens = w->g->value[n->in[0]].shape.rank == 2;
    const int64_t channels = dmx_weight_of(n)->dim[0];
    const int64_t dim[] = {tokens ? channels : 1, channels, 1, 1};
    const size_t rank = tokens ? 1 : 4;
    double count;
    const dmx_name x = dmx_walk_in(w, n, 0);
    const dmx_name c = dmx_emit_2(e, "Sub", x, group_mean(w, n, x));
    const dmx_name v = group_energy(w, n, c, &count);
    const dmx_name s =
        dmx_emit_1(e, "Sqrt", dmx_emit_add_scalar(e, v, n->at.epsilon * count));
    const dmx_name r = dmx_emit_2(
        e, "Div",
        dmx_weight_vector(e, dmx_weight_of(n), sqrt(count), dim, rank), s);
    const dmx_name bias = dmx_weight_vector(e, dmx_bias_of(n), 1.0, dim, rank);
    dmx_walk_set(w, n, dmx_emit_2(e, "Add", dmx_emit_2(e, "Mul", c, r), bias));
}

/* ---- statistics of the whole input ------------------------------------- */
static dmx_name whole_mean(dmx_emitter *e, dmx_name x, const dmx_extent dim[3])
{
    x = dmx_emit_mean_time(e, x, dim);
    if (dim[1] > 1)
        x = dmx_emit_reduce(e, "ReduceMean", x, 2);
    return dim[0] > 1 ? dmx_emit_reduce(e, "ReduceMean", x, 1) : x;
}

static void remember_centred(dmx_walk *w, dmx_value x, dmx_value mean,
                             dmx_name c)
{
    const size_t room = sizeof w->centred / sizeof w->centred[0];
    if (w->n_centred < room)
        w->centred[w->n_centred++] = (dmx_centred){x, mean, c};
}

static dmx_name find_centred(const dmx_walk *w, dmx_value x, dmx_value mean)
{
    for (size_t i = 0; i < w->n_centred; i++)
        if (w->centred[i].x == x && w->centred[i].mean == mean)
            return w->centred[i].name;
    return NULL;
}

/* The mean square v times count / (count - 1). */
static dmx_name unbiased(dmx_emitter *e, dmx_name v, const dmx_extent dim[3])
{
    const int64_t each = dim[0] * dim[1];
    if (!dmx_extent_is_free(dim[2])) {
        const double count = (double)each * (double)dim[2];
        return dmx_emit_mul_scalar(e, v, count / (count - 1.0));
    }
    const dmx_extent all = dmx_extent_times(e, dim[2], each);
    const dmx_name less = dmx_extent_float(e, dmx_extent_plus(e, all, -1));
    return dmx_emit_2(e, "Mul", v,
                      dmx_emit_2(e, "Div", dmx_extent_float(e, all), less));
}

/* Mean and unbiased standard deviation, centred before it is squared. */
void dmx_recipe_statistics(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *dim = dmx_walk_dim(w, n->in[0]);
    const dmx_name x = dmx_walk_in(w, n, 0);
    const dmx_name mean = whole_mean(e, x, dim);
    const dmx_name c = dmx_emit_2(e, "Sub", x, mean);
    dmx_name v = whole_mean(e, dmx_emit_2(e, "Mul", c, c), dim);
    v = unbiased(e, v, dim);
    const dmx_name std = dmx_emit_1(e, "Sqrt", v);
    if (dmx_emitter_failed(e))
        return;
    w->value[n->out[0]].name = mean;
    w->value[n->out[1]].name = std;
    remember_centred(w, n->in[0], n->out[0], c);
    dmx_walk_skip(w, n);
}

/* (x - mean) / (eps + std) */
void dmx_recipe_standardize(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    dmx_name c = find_centred(w, n->in[0], n->in[1]);
    if (c == NULL) {
        const dmx_name mean = dmx_walk_in(w, n, 1);
        c = dmx_emit_2(e, "Sub", dmx_walk_in(w, n, 0), mean);
    }
    const dmx_name std =
        dmx_emit_add_scalar(e, dmx_walk_in(w, n, 2), n->at.epsilon);
    dmx_walk_set(w, n, dmx_emit_2(e, "Div", c, std));
}
