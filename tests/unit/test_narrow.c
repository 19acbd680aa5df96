/* Integer products on every instruction set against exact integer arithmetic:
 * random shapes, tails, extremes. A failure prints the seed. */
#include "test_support.h"

#include "engine/kernels/narrow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed;

static int64_t draw(int64_t from, int64_t to)
{
    return from + (int64_t)(test_random(&seed) % (uint64_t)(to - from + 1));
}

static void *room_for(int64_t places)
{
    void *p = aligned_alloc(64, (size_t)(places + 96) / 16 * 16 * 4);
    assert_non_null(p);
    memset(p, 0x55, (size_t)(places + 96) / 16 * 16 * 4);
    return p;
}

/* ---- what is stored ----------------------------------------------------- */

/* Is data stored with 128 subtracted (SDOT)? A panel of zeros tells. */
static int data_bias(const dmx_narrow_kernels *n)
{
    const dmx_cut cut = {DMX_INT8, 4, 4};
    float *x = room_for(4 * n->nr);
    int32_t *b = room_for(dmx_narrow_places(&cut, n->nr));
    memset(x, 0, (size_t)(4 * n->nr) * sizeof *x);
    n->panel(&cut, x, b);
    const int bias = (int8_t)b[0] == -128 ? 128 : 0;
    free(x);
    free(b);
    return bias;
}

static int64_t element(dmx_number kind, int32_t word, int64_t i)
{
    return kind == DMX_INT8 ? (int8_t)((uint32_t)word >> (i % 4 * 8))
                            : (int16_t)((uint32_t)word >> (i % 2 * 16));
}

static float scale_at(const int32_t *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* q of element i of column j of a panel, less its zero. */
static int64_t panel_q(const dmx_narrow_kernels *n, const dmx_cut *c,
                       const int32_t *b, int64_t i, int64_t j, int bias)
{
    const int64_t pack = c->kind == DMX_INT8 ? 4 : 2;
    const int64_t q = element(c->kind, b[i / pack * n->nr + j], i);
    if (c->kind == DMX_INT16)
        return q;
    const int32_t *scales =
        b + (dmx_narrow_words(c) + i / c->chunk * 2) * n->nr;
    const int64_t stored = bias == 0 ? (uint8_t)q : q;
    return stored + bias - scales[n->nr + j];
}

static float panel_scale(const dmx_narrow_kernels *n, const dmx_cut *c,
                         const int32_t *b, int64_t i, int64_t j)
{
    return scale_at(b + (dmx_narrow_words(c) + i / c->chunk * 2) * n->nr + j);
}

static int64_t tile_q(const dmx_narrow_kernels *n, const dmx_cut *c,
                      const int32_t *a, int64_t i, int64_t r)
{
    const int64_t pack = c->kind == DMX_INT8 ? 4 : 2;
    return element(c->kind, a[i / pack * n->mr + r], i);
}

static float tile_scale(const dmx_narrow_kernels *n, const dmx_cut *c,
                        const int32_t *a, int64_t i, int64_t r)
{
    return scale_at(a + (dmx_narrow_words(c) + i / c->chunk * 2) * n->mr + r);
}

/* ---- products ----------------------------------------------------------- */

typedef struct trial {
    const dmx_narrow_kernels *n;
    dmx_cut cut;
    int64_t tiles;
    float *w, *x, *c; /* [rows][k], [k][nr], [rows][nr] */
    int32_t *a, *b;
    int bias;
} trial;

static void open_trial(trial *t, const dmx_narrow_kernels *n, dmx_number kind,
                       int64_t k, int64_t chunk)
{
    *t = (trial){.n = n, .cut = {kind, k, chunk}, .tiles = draw(1, 3)};
    const int64_t rows = t->tiles * n->mr;
    t->w = room_for(rows * k);
    t->x = room_for(k * n->nr);
    t->c = room_for(rows * n->nr);
    t->a = room_for(t->tiles * dmx_narrow_places(&t->cut, n->mr));
    t->b = room_for(dmx_narrow_places(&t->cut, n->nr));
    t->bias = data_bias(n);
    for (int64_t i = 0; i < rows * k; i++)
        t->w[i] = (float)test_normal(&seed);
    for (int64_t i = 0; i < k * n->nr; i++)
        t->x[i] = (float)test_normal(&seed);
}

static void close_trial(trial *t)
{
    free(t->w);
    free(t->x);
    free(t->c);
    free(t->a);
    free(t->b);
}

static void pack_trial(trial *t)
{
    const int64_t size = dmx_narrow_places(&t->cut, t->n->mr);
    for (int64_t i = 0; i < t->tiles; i++)
        t->n->tile(&t->cut, t->n->mr, t->w + i * t->n->mr * t->cut.k, t->cut.k,
                   t->a + i * size);
    t->n->panel(&t->cut, t->x, t->b);
}

static void check(bool good, const trial *t, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s, %s, k %lld, chunks of %lld: %s\n", t->n->name,
            t->cut.kind == DMX_INT8 ? "int8" : "int16", (long long)t->cut.k,
            (long long)t->cut.chunk, what);
    fail();
}

/* Every number is within half a quantization step of its original. */
static void check_rounding(const trial *t)
{
    const int64_t size = dmx_narrow_places(&t->cut, t->n->mr);
    for (int64_t i = 0; i < t->cut.k; i++) {
        for (int64_t j = 0; j < t->n->nr; j++) {
            const double scale = (double)panel_scale(t->n, &t->cut, t->b, i, j);
            const double x = (double)t->x[i * t->n->nr + j];
            const double y =
                scale * (double)panel_q(t->n, &t->cut, t->b, i, j, t->bias);
            check(fabs(x - y) <= 0.51 * scale, t, "a column is rounded wrong");
        }
        for (int64_t r = 0; r < t->tiles * t->n->mr; r++) {
            const int32_t *a = t->a + r / t->n->mr * size;
            const int64_t at = r % t->n->mr;
            const double scale = (double)tile_scale(t->n, &t->cut, a, i, at);
            const int64_t q = tile_q(t->n, &t->cut, a, i, at);
            const double w = (double)t->w[r * t->cut.k + i];
            check(fabs(w - scale * (double)q) <= 0.51 * scale, t,
                  "a row is rounded wrong");
            check(t->cut.kind == DMX_INT16 || llabs(q) <= t->n->most_weight, t,
                  "a weight is too large");
        }
    }
}

/* Exactly, with no intermediate sum beyond int32. */
static void check_element(const trial *t, int64_t r, int64_t j, bool add,
                          float before)
{
    const int32_t *a =
        t->a + r / t->n->mr * dmx_narrow_places(&t->cut, t->n->mr);
    const int64_t at = r % t->n->mr;
    double want = add ? (double)before : 0.0, size = fabs(want);
    bool one = true;
    float only = 0.0f;
    for (int64_t from = 0; from < t->cut.k; from += t->cut.chunk) {
        int64_t sum = 0;
        for (int64_t i = from; i < t->cut.k && i < from + t->cut.chunk; i++) {
            sum += tile_q(t->n, &t->cut, a, i, at) *
                   panel_q(t->n, &t->cut, t->b, i, j, t->bias);
            check(llabs(sum) <= INT32_MAX, t, "a sum overflows");
        }
        const float scale = tile_scale(t->n, &t->cut, a, from, at) *
                            panel_scale(t->n, &t->cut, t->b, from, j);
        only = (float)sum * scale;
        one = from == 0 && !add;
        want += (double)sum * (double)scale;
        size += fabs((double)sum * (double)scale);
    }
    const float got = t->c[r * t->n->nr + j];
    check(one ? got == only : fabs((double)got - want) <= 1e-6 * size + 1e-37,
          t, "a product is wrong");
}

static void check_products(trial *t)
{
    const int64_t rows = t->tiles * t->n->mr;
    const bool add = draw(0, 1) == 1;
    float *before = room_for(rows * t->n->nr);
    pack_trial(t);
    for (int64_t i = 0; i < rows * t->n->nr; i++)
        before[i] = t->c[i] = (float)test_normal(&seed);
    t->n->multiply(&t->cut, rows, t->a, t->b, t->c, add);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < t->n->nr; j++)
            check_element(t, r, j, add, before[r * t->n->nr + j]);
    free(before);
}

static void for_each_table(void (*test)(const dmx_narrow_kernels *, dmx_number))
{
    const dmx_narrow_kernels *n;
    for (int i = 0; (n = dmx_narrow_table(i)) != NULL; i++)
        for (int kind = DMX_INT16; kind <= DMX_INT8; kind++) {
            seed = (uint64_t)(1000 * i + kind);
            test(n, (dmx_number)kind);
        }
}

static void random_products(const dmx_narrow_kernels *n, dmx_number kind)
{
    static const int64_t chunk[] = {4, 32, 128, 512};
    for (int i = 0; i < 60; i++) {
        trial t;
        open_trial(&t, n, kind, draw(1, i < 30 ? 40 : 700), chunk[draw(0, 3)]);
        check_products(&t);
        check_rounding(&t);
        close_trial(&t);
    }
}

static void test_products(void **state)
{
    (void)state;
    for_each_table(random_products);
}

/* ---- extremes ----------------------------------------------------------- */

enum {
    ALIGNED, /* every column is a row of weights: the largest sums there are */
    OPPOSED,
    ALL_ONE,
    SPIKES,
    TINY,
    HUGE_ONES,
    MIXED, /* magnitudes from 1e-30 to 1e30 */
    ONE_SIDED,
    EXTREMES
};

static float extreme(int which, float w)
{
    switch (which) {
    case ALIGNED:
        return w;
    case OPPOSED:
        return -w;
    case ALL_ONE:
        return 1.0f;
    case SPIKES:
        return draw(0, 40) == 0 ? w : 0.0f;
    case TINY:
        return w * 1e-20f;
    case HUGE_ONES:
        return w * 1e30f;
    case MIXED:
        return w * powf(10.0f, (float)draw(-30, 30));
    default:
        return -fabsf(w);
    }
}

static void extreme_products(const dmx_narrow_kernels *n, dmx_number kind)
{
    for (int which = 0; which < EXTREMES; which++) {
        trial t;
        open_trial(&t, n, kind, draw(400, 600), which == ALIGNED ? 512 : 128);
        for (int64_t i = 0; i < t.cut.k; i++)
            for (int64_t j = 0; j < n->nr; j++)
                t.x[i * n->nr + j] = extreme(which, t.w[i]);
        if (which == ALL_ONE)
            for (int64_t i = 0; i < t.tiles * n->mr * t.cut.k; i++)
                t.w[i] = 1.0f;
        check_products(&t);
        if (which != TINY && which != MIXED)
            check_rounding(&t);
        close_trial(&t);
    }
}

static void test_extremes(void **state)
{
    (void)state;
    for_each_table(extreme_products);
}

/* Full scale on both sides, where VPMADDUBSW would saturate with 8 bits. */
static void full_scale(const dmx_narrow_kernels *n, dmx_number kind)
{
    trial t;
    open_trial(&t, n, kind, 512, 512);
    for (int64_t i = 0; i < t.tiles * n->mr * t.cut.k; i++)
        t.w[i] = i % 3 == 0 ? -1.0f : 1.0f;
    for (int64_t i = 0; i < t.cut.k * n->nr; i++)
        t.x[i] = 1.0f;
    check_products(&t);
    check_rounding(&t);
    close_trial(&t);
}

static void test_full_scale(void **state)
{
    (void)state;
    for_each_table(full_scale);
}

/* Zeros are exact; values that are not finite give NaN, in their own column or
 * row only. */
static void special(const dmx_narrow_kernels *n, dmx_number kind)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, -NAN};
    for (int i = 0; i < 16; i++) {
        trial t;
        open_trial(&t, n, kind, draw(3, 300), 128);
        const int64_t rows = t.tiles * n->mr, k = t.cut.k;
        const int64_t column = draw(0, n->nr - 1), row = draw(0, rows - 1);
        const int64_t silent = (column + 1) % n->nr;
        for (int64_t r = 0; r < k; r++)
            t.x[r * n->nr + silent] = 0.0f;
        t.x[draw(0, k - 1) * n->nr + column] = bad[i % 4];
        if (i % 2 == 0)
            t.w[row * k + draw(0, k - 1)] = bad[i / 4];
        pack_trial(&t);
        n->multiply(&t.cut, rows, t.a, t.b, t.c, false);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t j = 0; j < n->nr; j++) {
                const bool hit = j == column || (i % 2 == 0 && r == row);
                const float c = t.c[r * n->nr + j];
                check(isnan(c) == hit, &t, "NaN is lost or spread");
                check(hit || j != silent || c == 0.0f, &t,
                      "silence is not silent");
            }
        close_trial(&t);
    }
}

static void test_special(void **state)
{
    (void)state;
    for_each_table(special);
}

/* ---- attention ---------------------------------------------------------- */

#define ROOM 96

typedef struct scene {
    int64_t width, wide, tokens, blocks;
    float *q, *k, *v; /* [width][nr], [width][tokens] twice */
} scene;

static void open_scene(scene *s, const dmx_narrow_kernels *n)
{
    s->width = draw(1, 70);
    s->wide = (s->width + n->mr - 1) / n->mr * n->mr;
    s->tokens = draw(1, 3 * ROOM);
    s->blocks = (s->tokens + ROOM - 1) / ROOM;
    s->q = room_for(s->width * n->nr);
    s->k = room_for(s->width * s->tokens);
    s->v = room_for(s->width * s->tokens);
    const double sharp = draw(0, 1) == 0 ? 1.0 : 4.0;
    for (int64_t i = 0; i < s->width * n->nr; i++)
        s->q[i] = (float)(test_normal(&seed) * sharp / sqrt((double)s->width));
    for (int64_t i = 0; i < s->width * s->tokens; i++) {
        s->k[i] = (float)test_normal(&seed);
        s->v[i] = (float)test_normal(&seed);
    }
}

static void close_scene(scene *s)
{
    free(s->q);
    free(s->k);
    free(s->v);
}

/* o / l of every query; o [wide][nr]. */
static void attend(const scene *s, const dmx_narrow_kernels *n, dmx_number kind,
                   float *o)
{
    const dmx_cut scores = {kind, s->width, (s->width + 3) / 4 * 4};
    const dmx_cut values = {kind, ROOM, ROOM};
    int32_t *query = room_for(dmx_narrow_places(&scores, n->nr));
    int32_t *key = room_for(ROOM / n->mr * dmx_narrow_places(&scores, n->mr));
    int32_t *value =
        room_for(s->wide / n->mr * dmx_narrow_places(&values, n->mr));
    float *m = room_for(n->nr), *l = room_for(n->nr);
    dmx_narrow_attention a = {
        .kind = kind,
        .width = s->width,
        .wide = s->wide,
        .room = ROOM,
        .key = key,
        .value = value,
        .query = query,
        .o = o,
        .m = m,
        .l = l,
        .score = room_for(ROOM * n->nr),
        .softmax = room_for(ROOM / 2 * n->nr),
    };
    memset(o, 0, (size_t)(s->wide * n->nr) * sizeof *o);
    for (int64_t j = 0; j < n->nr; j++) {
        m[j] = -1e30f;
        l[j] = 0.0f;
    }
    n->panel(&scores, s->q, query);
    for (int64_t b = 0; b < s->blocks; b++) {
        const int64_t left = s->tokens - b * ROOM;
        a.keys = left < ROOM ? left : ROOM;
        n->keys(kind, s->width, ROOM, a.keys, s->k + b * ROOM, s->tokens, key);
        n->values(kind, s->width, s->wide, ROOM, a.keys, s->v + b * ROOM,
                  s->tokens, value);
        n->attend(&a);
    }
    for (int64_t i = 0; i < s->wide * n->nr; i++)
        o[i] /= l[i % n->nr];
    free(query);
    free(key);
    free(value);
    free(m);
    free(l);
    free(a.score);
    free(a.softmax);
}

/* One query in double precision: out [width]. */
static void attend_exactly(const scene *s, int64_t nr, int64_t j, double *out)
{
    double most = -INFINITY, total = 0.0;
    double *p = malloc((size_t)s->tokens * sizeof *p);
    assert_non_null(p);
    for (int64_t t = 0; t < s->tokens; t++) {
        p[t] = 0.0;
        for (int64_t d = 0; d < s->width; d++)
            p[t] += (double)s->q[d * nr + j] * (double)s->k[d * s->tokens + t];
        most = p[t] > most ? p[t] : most;
    }
    for (int64_t t = 0; t < s->tokens; t++)
        total += p[t] = exp2(p[t] - most);
    for (int64_t d = 0; d < s->width; d++) {
        out[d] = 0.0;
        for (int64_t t = 0; t < s->tokens; t++)
            out[d] += p[t] / total * (double)s->v[d * s->tokens + t];
    }
    free(p);
}

/* Signal to noise over all queries, dB. */
static double attention_snr(const dmx_narrow_kernels *n, dmx_number kind)
{
    scene s;
    open_scene(&s, n);
    float *o = room_for(s.wide * n->nr);
    double *want = malloc((size_t)s.width * sizeof *want);
    double signal = 0.0, noise = 0.0;
    assert_non_null(want);
    attend(&s, n, kind, o);
    for (int64_t j = 0; j < n->nr; j++) {
        attend_exactly(&s, n->nr, j, want);
        for (int64_t d = 0; d < s.width; d++) {
            const double e = want[d] - (double)o[d * n->nr + j];
            signal += want[d] * want[d];
            noise += e * e;
        }
    }
    free(want);
    free(o);
    close_scene(&s);
    return 10.0 * log10(signal / noise);
}

static void random_attention(const dmx_narrow_kernels *n, dmx_number kind)
{
    /* 16 bits are 60 dB better than 6 and more */
    const double least = kind == DMX_INT16      ? 58.0
                         : n->most_weight < 127 ? 22.0
                                                : 26.0;
    double worst = INFINITY;
    for (int i = 0; i < 25; i++)
        worst = fmin(worst, attention_snr(n, kind));
    printf("%-10s %s attention: %.1f dB\n", n->name,
           kind == DMX_INT16 ? "int16" : "int8 ", worst);
    assert_true(worst >= least);
}

static void test_attention(void **state)
{
    (void)state;
    for_each_table(random_attention);
}

/* NaN in a query affects that query, in a key all queries, in a value its
 * channel. */
static void special_attention(const dmx_narrow_kernels *n, dmx_number kind)
{
    for (int which = 0; which < 3; which++) {
        scene s;
        open_scene(&s, n);
        const int64_t d = draw(0, s.width - 1), j = draw(0, n->nr - 1);
        const int64_t t = draw(0, s.tokens - 1);
        float *o = room_for(s.wide * n->nr);
        if (which == 0)
            s.q[d * n->nr + j] = NAN;
        else
            (which == 1 ? s.k : s.v)[d * s.tokens + t] = NAN;
        attend(&s, n, kind, o);
        for (int64_t i = 0; i < s.width * n->nr; i++) {
            const bool hit = which == 0   ? i % n->nr == j
                             : which == 1 ? true
                                          : i / n->nr == d;
            assert_int_equal(isnan(o[i]) != 0, hit);
        }
        free(o);
        close_scene(&s);
    }
}

static void test_special_attention(void **state)
{
    (void)state;
    for_each_table(special_attention);
}

/* Values of one sign and largest powers, the most that a sum can be: every key
 * is the same, so every power is 1. */
static void largest_attention(const dmx_narrow_kernels *n, dmx_number kind)
{
    scene s;
    open_scene(&s, n);
    float *o = room_for(s.wide * n->nr);
    for (int64_t i = 0; i < s.width * s.tokens; i++) {
        s.k[i] = 1.0f;
        s.v[i] = -3.0f;
    }
    attend(&s, n, kind, o);
    for (int64_t i = 0; i < s.width * n->nr; i++)
        assert_true(fabsf(o[i] + 3.0f) < (kind == DMX_INT16 ? 3e-3f : 0.03f));
    free(o);
    close_scene(&s);
}

static void test_largest_attention(void **state)
{
    (void)state;
    for_each_table(largest_attention);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_full_scale),
        cmocka_unit_test(test_special),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_special_attention),
        cmocka_unit_test(test_largest_attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
