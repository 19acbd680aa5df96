/* conv 1x1 -> group norm over each row -> GLU [-> scale], folded.
 *
 * With y = W h + b, W [2C][H] and H much smaller than 2C, the norm's
 * statistics over (channels, time) follow from the narrow h. Per row, over
 * time: mu = mean h, hc = h - mu. Over channels: wbar, bbar the means of W's
 * columns and of b. Then
 *   mean y = wbar . mu + bbar
 *   var y  = mean |L' hc|^2 + mean_o (((W - wbar) mu + b - bbar)_o)^2
 * with L L' = W'W / 2C (Cholesky); both terms are centred, so nothing cancels.
 * The second is a quadratic form in [mu; 1] and is factored in the same way.
 * With r = 1 / sqrt(var + eps) the normalised, weighted and biased y is one
 * convolution of [r h; -mean r; r], and the GLU makes that two. */
#include "onnx/emit_weights.h"
#include "onnx/walk.h"

#include <math.h>
#include <string.h>

typedef struct fold {
    int64_t out, in;      /* 2C, H */
    int64_t rows;         /* F */
    dmx_extent frames;    /* T */
    int64_t padded;       /* channels of the folded input */
    const double *weight; /* W [2C][H] */
    const double *bias;   /* b [2C], or NULL */
    const double *gamma;  /* norm weight */
    const double *beta;   /* norm bias */
    const double *scale;  /* [C], or NULL */
    double epsilon;
} fold;

/* Runtimes compute blocks of 16 channels; a narrow input is zero-padded. */
static int64_t padded_channels(int64_t channels)
{
    return channels <= 32 ? (channels + 15) / 16 * 16 : channels;
}

/* In place: the lower triangle of a Gram matrix [n][n] becomes its Cholesky
 * factor L; a direction with zero variance gets a zero column. */
static void cholesky(double *l, int64_t n)
{
    for (int64_t j = 0; j < n; j++) {
        const double energy = l[j * n + j];
        double pivot = energy;
        for (int64_t k = 0; k < j; k++)
            pivot -= l[j * n + k] * l[j * n + k];
        const double root = pivot > energy * 1e-14 ? sqrt(pivot) : 0.0;
        l[j * n + j] = root;
        for (int64_t i = j + 1; i < n; i++) {
            double sum = l[i * n + j];
            for (int64_t k = 0; k < j; k++)
                sum -= l[i * n + k] * l[j * n + k];
            l[i * n + j] = root > 0.0 ? sum / root : 0.0;
        }
    }
}

/* L' of the rows' Gram matrix: |L' x|^2 is the mean of (row . x)^2 over the
 * `rows` rows of m [rows][n]. NULL after an error. */
static double *gram_factor(dmx_emitter *e, const double *m, int64_t rows,
                           int64_t n)
{
    double *l = dmx_emitter_buffer(e, (size_t)(n * n), sizeof *l);
    if (l == NULL)
        return NULL;
    memset(l, 0, (size_t)(n * n) * sizeof *l);
    for (int64_t o = 0; o < rows; o++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j <= i; j++)
                l[i * n + j] += m[o * n + i] * m[o * n + j] / (double)rows;
    cholesky(l, n);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) {
            l[j * n + i] = l[i * n + j];
            l[i * n + j] = 0.0;
        }
    return l;
}

/* A 1x1 convolution weight [out][in]; takes ownership of the buffer. */
static dmx_name point_weight(dmx_emitter *e, const char *base, double *w,
                             int64_t out, int64_t in)
{
    if (w == NULL)
        return "";
    const dmx_name y = dmx_constant_f64(e, base, w, DMX_DIMS(out, in, 1, 1));
    dmx_emitter_drop_buffer(e, w);
    return y;
}

static dmx_name point_conv(dmx_emitter *e, dmx_name x, dmx_name weight,
                           dmx_name bias)
{
    const dmx_conv_geometry c = dmx_conv_point();
    return dmx_emit_conv(e, "Conv", x, weight, bias, &c);
}

/* mean over time and channels of |L' hc|^2: [1, 1, F, 1]; the factor holds the
 * division by the count where that is known. */
static dmx_name within_variance(dmx_emitter *e, const fold *f, dmx_name hc)
{
    const int64_t n = f->in;
    const dmx_extent dim[] = {n, f->rows, f->frames};
    const bool free = dmx_extent_is_free(f->frames);
    double *l = gram_factor(e, f->weight, f->out, n);
    for (int64_t i = 0; l != NULL && !free && i < n * n; i++)
        l[i] /= sqrt((double)f->frames);
    const dmx_name t =
        point_conv(e, hc, point_weight(e, "gram_factor", l, n, n), NULL);
    const dmx_name sum =
        dmx_emit_reduce(e, "ReduceSum", dmx_emit_energy_time(e, t, dim), 1);
    return free ? dmx_emit_2(e, "Div", sum, dmx_extent_float(e, f->frames))
                : sum;
}

/* Column means of W and the mean of b, the latter last. */
static double *channel_means(dmx_emitter *e, const fold *f)
{
    double *m = dmx_emitter_alloc(e, (size_t)f->in + 1, sizeof *m);
    if (m == NULL)
        return NULL;
    for (int64_t o = 0; o < f->out; o++) {
        for (int64_t i = 0; i < f->in; i++)
            m[i] += f->weight[o * f->in + i] / (double)f->out;
        m[f->in] += f->bias != NULL ? f->bias[o] / (double)f->out : 0.0;
    }
    return m;
}

/* |L' [mu; 1]|^2 + epsilon over channels, L' [m][m]; takes ownership of the
 * buffer. The epsilon is one more channel with zero weights. */
static dmx_name quadratic_form(dmx_emitter *e, double *l, int64_t m,
                               dmx_name mu, double epsilon)
{
    const int64_t n = m - 1, rows = m + 1;
    double *bias = dmx_emitter_alloc(e, (size_t)rows, sizeof *bias);
    if (bias == NULL)
        return "";
    for (int64_t i = 0; i < m; i++) {
        bias[i] = l[i * m + n];
        memmove(l + i * n, l + i * m, (size_t)n * sizeof *l);
    }
    memset(l + m * n, 0, (size_t)n * sizeof *l);
    bias[m] = sqrt(epsilon);
    const dmx_name b = dmx_constant_f64(e, "offset_bias", bias, &rows, 1);
    const dmx_name y =
        point_conv(e, mu, point_weight(e, "offset_weight", l, rows, n), b);
    return dmx_emit_reduce(e, "ReduceSumSquare", y, 1);
}

/* The variance between channels of the means over time, plus epsilon: [1, 1, F,
 * 1]. A quadratic form in [mu; 1], factored like the other. */
static dmx_name between_variance(dmx_emitter *e, const fold *f,
                                 const double *mean, dmx_name mu)
{
    const int64_t n = f->in, m = n + 1;
    double *w = dmx_emitter_buffer(e, (size_t)(f->out * m), sizeof *w);
    if (w == NULL)
        return "";
    for (int64_t o = 0; o < f->out; o++) {
        for (int64_t i = 0; i < n; i++)
            w[o * m + i] = f->weight[o * n + i] - mean[i];
        w[o * m + n] = (f->bias != NULL ? f->bias[o] : 0.0) - mean[n];
    }
    double *l = gram_factor(e, w, f->out, m);
    dmx_emitter_drop_buffer(e, w);
    return l != NULL ? quadratic_form(e, l, m, mu, f->epsilon) : "";
}

/* [-mean y; 1; zeros], the channels beside h: [1, padded - H, F, 1]. */
static dmx_name extra_channels(dmx_emitter *e, const fold *f,
                               const double *mean, dmx_name mu)
{
    const int64_t n = f->in, count = f->padded - n;
    double *w = dmx_emitter_buffer(e, (size_t)(count * n), sizeof *w);
    double *b = dmx_emitter_alloc(e, (size_t)count, sizeof *b);
    if (w == NULL || b == NULL)
        return "";
    memset(w, 0, (size_t)(count * n) * sizeof *w);
    for (int64_t i = 0; i < n; i++)
        w[i] = -mean[i];
    b[0] = -mean[n];
    b[1] = 1.0;
    const dmx_name bias = dmx_constant_f64(e, "minus_mean_bias", b, &count, 1);
    return point_conv(e, mu, point_weight(e, "minus_mean_weight", w, count, n),
                      bias);
}

/* [r h; -mean r; r; zeros], [1, padded, F, T] */
static dmx_name folded_input(dmx_emitter *e, const fold *f, dmx_name h)
{
    const dmx_extent dim[] = {f->in, f->rows, f->frames};
    const double *mean = channel_means(e, f);
    if (mean == NULL)
        return "";
    const dmx_name mu = dmx_emit_mean_time(e, h, dim);
    const dmx_name hc = dmx_emit_2(e, "Sub", h, mu);
    const dmx_name between = between_variance(e, f, mean, mu);
    const dmx_name var =
        dmx_emit_2(e, "Add", within_variance(e, f, hc), between);
    const dmx_name r = dmx_emit_1(e, "Reciprocal", dmx_emit_1(e, "Sqrt", var));
    dmx_name tail = dmx_emit_2(e, "Mul", extra_channels(e, f, mean, mu), r);
    tail = dmx_emit_expand(
        e, tail, DMX_DIMS(e->batch, f->padded - f->in, f->rows, f->frames));
    const dmx_name all[] = {dmx_emit_2(e, "Mul", h, r), tail};
    return dmx_emit_concat(e, all, 2, 1);
}

/* Rows [first, first + C) of the folded convolution. */
static dmx_name folded_half(dmx_emitter *e, const fold *f, dmx_name x,
                            int64_t first, const double *scale,
                            const char *base)
{
    const int64_t half = f->out / 2, n = f->in;
    double *w = dmx_emitter_buffer(e, (size_t)(half * f->padded), sizeof *w);
    double *b = dmx_emitter_buffer(e, (size_t)half, sizeof *b);
    if (w == NULL || b == NULL)
        return "";
    memset(w, 0, (size_t)(half * f->padded) * sizeof *w);
    for (int64_t c = 0; c < half; c++) {
        const int64_t o = first + c;
        const double s = scale != NULL ? scale[c] : 1.0;
        const double gamma = f->gamma[o] * s;
        double *row = w + c * f->padded;
        for (int64_t i = 0; i < n; i++)
            row[i] = f->weight[o * n + i] * gamma;
        row[n] = gamma;
        row[n + 1] = f->bias != NULL ? f->bias[o] * gamma : 0.0;
        b[c] = f->beta[o] * s;
    }
    const dmx_name bias = dmx_constant_f64(e, "folded_bias", b, &half, 1);
    dmx_emitter_drop_buffer(e, b);
    return point_conv(e, x, point_weight(e, base, w, half, f->padded), bias);
}

static fold open_fold(dmx_walk *w, const dmx_node *conv,
                      const dmx_gated_norm *after)
{
    const dmx_node *norm = after->norm, *scale = after->scale;
    dmx_emitter *e = &w->e;
    const dmx_extent *dim = dmx_walk_dim(w, conv->in[0]);
    return (fold){
        .out = dmx_weight_of(conv)->dim[0],
        .in = dmx_weight_of(conv)->dim[1],
        .rows = dim[1],
        .frames = dim[2],
        .padded = padded_channels(dmx_weight_of(conv)->dim[1] + 2),
        .weight = dmx_weight_doubles(e, dmx_weight_of(conv)),
        .bias = dmx_bias_of(conv) != NULL
                    ? dmx_weight_doubles(e, dmx_bias_of(conv))
                    : NULL,
        .gamma = dmx_weight_doubles(e, dmx_weight_of(norm)),
        .beta = dmx_weight_doubles(e, dmx_bias_of(norm)),
        .scale =
            scale != NULL ? dmx_weight_doubles(e, dmx_weight_of(scale)) : NULL,
        .epsilon = norm->at.epsilon,
    };
}

static dmx_name folded(dmx_walk *w, const fold *f, dmx_name h,
                       const char *glu_path)
{
    dmx_emitter *e = &w->e;
    const dmx_name x = folded_input(e, f, h);
    const dmx_name value = folded_half(e, f, x, 0, f->scale, "folded_value");
    const dmx_name gate = folded_half(e, f, x, f->out / 2, NULL, "folded_gate");
    e->path = glu_path;
    return dmx_emit_2(e, "Mul", value, dmx_emit_1(e, "Sigmoid", gate));
}

/* Folding is faster where the input is narrow. */
static bool is_narrow(const dmx_tensor *weight)
{
    return 2 * weight->dim[1] <= weight->dim[0];
}

bool dmx_recipe_folded_norm(dmx_walk *w, const dmx_node *conv)
{
    dmx_gated_norm after;
    if (!dmx_match_gated_norm(&after, &w->a, conv) ||
        !is_narrow(dmx_weight_of(conv)))
        return false;
    const fold f = open_fold(w, conv, &after);
    if (dmx_emitter_failed(&w->e))
        return true;
    const dmx_name y = folded(w, &f, dmx_walk_in(w, conv, 0), after.glu->path);
    dmx_walk_skip(w, conv);
    dmx_walk_skip(w, after.norm);
    if (after.scale != NULL)
        dmx_walk_skip(w, after.glu);
    dmx_walk_set(w, after.scale != NULL ? after.scale : after.glu, y);
    dmx_emitter_drop_buffer(&w->e, (void *)f.weight);
    return true;
}
