/* make-coefficients: writes src/engine/kernels/coefficients.h to standard
 * output. Every table of the kernels is computed here, from the functions of
 * the C library in long double; a test runs this again and compares.
 *
 * Polynomials and the rational function are minimax fits: Remez' exchange, for
 * the rational one with the denominator of the round before as a weight.
 * Source: Remez, "Sur le calcul effectif des polynomes d'approximation de
 * Tchebichef", 1934; Ralston, "Rational Chebyshev approximation by Remes'
 * algorithms", 1965. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST   16 /* unknowns of a fit */
#define GRID   20000
#define ROUNDS 16

/* Chosen among ends from 3.85 to 4.1 and shares from 0.1 to 0.8 by what float32
 * arithmetic makes of them: erf and GELU have the smallest greatest errors. */
#define ERF_END   3.85L
#define ERF_SHARE 0.2L

typedef long double real;

/* p(t(x)) / q(t(x)) near value(x) on [from, to], where the error is multiplied
 * by weight(x); q(0) = 1. */
typedef struct fit {
    real (*value)(real x);
    real (*weight)(real x);
    real (*argument)(real x); /* t */
    real from, to;
    int top, bottom; /* degrees */
    int fixed;       /* coefficients of p that are final, from the lowest on */
    bool divisor;    /* q is final */
    real p[MOST], q[MOST];
    real error; /* the greatest one */
} fit;

static real horner(const real *c, int degree, real t)
{
    real sum = c[degree];
    for (int i = degree - 1; i >= 0; i--)
        sum = sum * t + c[i];
    return sum;
}

static real error_at(const fit *f, real x)
{
    const real t = f->argument(x);
    return f->weight(x) *
           (horner(f->p, f->top, t) / horner(f->q, f->bottom, t) - f->value(x));
}

/* ---- linear equations ---------------------------------------------------- */

static void swap_rows(real a[MOST][MOST + 1], int i, int j)
{
    for (int k = 0; k <= MOST; k++) {
        const real kept = a[i][k];
        a[i][k] = a[j][k];
        a[j][k] = kept;
    }
}

/* Gauss' elimination with pivots; a [n][n], right sides in column MOST. */
static void solve(real a[MOST][MOST + 1], int n, real *x)
{
    for (int c = 0; c < n; c++) {
        int pivot = c;
        for (int r = c + 1; r < n; r++)
            if (fabsl(a[r][c]) > fabsl(a[pivot][c]))
                pivot = r;
        swap_rows(a, c, pivot);
        for (int r = c + 1; r < n; r++) {
            const real factor = a[r][c] / a[c][c];
            for (int k = c; k < n; k++)
                a[r][k] -= factor * a[c][k];
            a[r][MOST] -= factor * a[c][MOST];
        }
    }
    for (int r = n - 1; r >= 0; r--) {
        x[r] = a[r][MOST];
        for (int k = r + 1; k < n; k++)
            x[r] -= a[r][k] * x[k];
        x[r] /= a[r][r];
    }
}

/* ---- Remez' exchange ----------------------------------------------------- */

/* As many points as unknowns: free coefficients and the error. */
static int unknowns(const fit *f)
{
    return f->top + 1 - f->fixed + (f->divisor ? 0 : f->bottom) + 1;
}

/* What is free of p is t^fixed times a polynomial: where that is negative, the
 * alternation is the other way round. */
static real turn(const fit *f, real x)
{
    return f->fixed % 2 != 0 && f->argument(x) < 0 ? -1 : 1;
}

/* The function whose error alternates with one size at the points x:
 * weight (p - value q) = +-E q. */
static void level(fit *f, const real *x)
{
    const int n = unknowns(f);
    real a[MOST][MOST + 1] = {{0}}, solution[MOST];
    for (int i = 0; i < n; i++) {
        const real t = f->argument(x[i]), v = f->value(x[i]);
        const real q = horner(f->q, f->bottom, t);
        int k = 0;
        for (int j = f->fixed; j <= f->top; j++)
            a[i][k++] = powl(t, j);
        for (int j = 1; !f->divisor && j <= f->bottom; j++)
            a[i][k++] = -v * powl(t, j);
        a[i][k] =
            (i % 2 == 0 ? turn(f, x[i]) : -turn(f, x[i])) * q / f->weight(x[i]);
        a[i][MOST] = v * (f->divisor ? q : 1);
        for (int j = 0; j < f->fixed; j++)
            a[i][MOST] -= f->p[j] * powl(t, j);
    }
    solve(a, n, solution);
    const real *next = solution;
    for (int j = f->fixed; j <= f->top; j++)
        f->p[j] = *next++;
    for (int j = 1; !f->divisor && j <= f->bottom; j++)
        f->q[j] = *next++;
}

static real grid_point(const fit *f, int i)
{
    return f->from + (f->to - f->from) * (real)i / GRID;
}

/* Alternating extrema of the error, in order. */
typedef struct extrema {
    real x[MOST], error[MOST];
    int count;
} extrema;

/* Removes the alternation's weakest part: an end, or a pair in the middle. */
static void drop_weakest(extrema *e, int wanted)
{
    const int last = e->count - 1;
    int first = fabsl(e->error[0]) < fabsl(e->error[last]) ? 0 : last, n = 1;
    real least = fabsl(e->error[first]);
    for (int i = 0; e->count >= wanted + 2 && i < last; i++) {
        const real pair = fmaxl(fabsl(e->error[i]), fabsl(e->error[i + 1]));
        if (pair >= least)
            continue;
        least = pair;
        first = i;
        n = 2;
    }
    for (int i = first; i + n < e->count; i++) {
        e->x[i] = e->x[i + n];
        e->error[i] = e->error[i + n];
    }
    e->count -= n;
}

/* One for each stretch of a sign. */
static void find_extrema(const fit *f, extrema *e)
{
    e->count = 0;
    for (int i = 0; i <= GRID; i++) {
        const real x = grid_point(f, i), error = error_at(f, x) * turn(f, x);
        const real last = e->count > 0 ? e->error[e->count - 1] : 0;
        const bool other = e->count == 0 || (error < 0) != (last < 0);
        if (error == 0 || (!other && fabsl(error) <= fabsl(last)) ||
            (other && e->count == MOST))
            continue;
        e->count += other;
        e->x[e->count - 1] = x;
        e->error[e->count - 1] = error;
    }
}

/* Chebyshev's points, a little away from the ends. */
static void first_points(const fit *f, real *x, int n)
{
    const real pi = acosl(-1.0L);
    for (int i = 0; i < n; i++)
        x[i] = f->from + (f->to - f->from) *
                             (1 - cosl(pi * ((real)i + 0.5L) / (real)n)) / 2;
}

/* Stores the greatest weighted error in f->error. */
static void measure(fit *f)
{
    f->error = 0;
    for (int i = 0; i <= GRID; i++)
        f->error = fmaxl(f->error, fabsl(error_at(f, grid_point(f, i))));
}

/* Exchanges points until the error is level, or no better for many rounds, as
 * may happen where coefficients are fixed; the best round counts. */
static void approximate(fit *f)
{
    const int n = unknowns(f);
    real x[MOST];
    fit best = {.error = INFINITY};
    f->q[0] = 1;
    for (int j = 1; !f->divisor && j < MOST; j++)
        f->q[j] = 0;
    first_points(f, x, n);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 8; i++)
            level(f, x);
        measure(f);
        if (f->error < best.error)
            best = *f;
        extrema e;
        find_extrema(f, &e);
        while (e.count > n)
            drop_weakest(&e, n);
        if (e.count < n)
            break;
        for (int i = 0; i < n; i++)
            x[i] = e.x[i];
    }
    *f = best;
}

/* The error when coefficient `fixed` is c and those above it make up for that.
 */
static real error_with(fit f, real c)
{
    f.p[f.fixed++] = c;
    if (f.fixed <= f.top)
        approximate(&f);
    measure(&f);
    return f.error;
}

/* Coefficients as the kernels have them: the denominator's are rounded, then
 * the numerator's one by one, each in the better direction. */
static void approximate_in_floats(fit *f)
{
    approximate(f);
    for (int j = 1; j <= f->bottom; j++)
        f->q[j] = (real)(float)f->q[j];
    f->divisor = true;
    for (f->fixed = 0; f->fixed <= f->top; f->fixed++) {
        approximate(f);
        const float near = (float)f->p[f->fixed];
        const bool above = (real)near > f->p[f->fixed];
        const float other = nextafterf(near, above ? -FLT_MAX : FLT_MAX);
        const bool better =
            error_with(*f, (real)other) < error_with(*f, (real)near);
        f->p[f->fixed] = (real)(better ? other : near);
    }
    measure(f);
}

/* ---- what is fitted ------------------------------------------------------ */

static real itself(real x)
{
    return x;
}

static real square(real x)
{
    return x * x;
}

/* 2^x = 1 + x g(x): exact at 0. expm1 keeps its digits near there. */
static real exp2_slope(real x)
{
    const real ln2 = logl(2.0L);
    return x == 0 ? ln2 : expm1l(x * ln2) / x;
}

static real exp2_weight(real x)
{
    return fabsl(x) / exp2l(x);
}

/* erf(x) = x g(x^2), of which the absolute error counts. */
static real erf_slope(real x)
{
    return x == 0 ? 2 / sqrtl(acosl(-1.0L)) : erfl(x) / x;
}

/* The error may be the greater in the middle, where rounding hides it: small
 * results keep their digits, and the end, which stands for all beyond, is 1. */
static real erf_weight(real x)
{
    const real part = x / ERF_END;
    return x / (ERF_SHARE + 4 * part * (1 - part));
}

/* ---- the header ---------------------------------------------------------- */

static void print_list(const char *name, const real *c, int count)
{
    printf("#define %s {", name);
    for (int j = 0; j < count; j++)
        printf("%s%s%.8ef", j == 0 ? "" : ",", j % 4 == 0 ? " \\\n    " : " ",
               (double)(float)c[j]);
    printf("}\n");
}

static void print_exp2(const char *name, int degree, real half_width,
                       const char *domain)
{
    fit f = {.value = exp2_slope,
             .weight = exp2_weight,
             .argument = itself,
             .from = -half_width,
             .to = half_width,
             .top = degree - 1};
    approximate_in_floats(&f);
    printf("\n/* 2^x = 1 + x (c0 + c1 x + ...), degree %d, on\n * %s: relative "
           "error "
           "%.2Le. */\n",
           degree, domain, f.error);
    print_list(name, f.p, degree);
}

static void print_powers(int count)
{
    real power[64];
    for (int j = 0; j < count; j++)
        power[j] = exp2l((real)j / (real)count);
    printf("\n/* 2^(j / %d) */\n", count);
    print_list("DMX_EXP2_PARTS", power, count);
}

static void print_erf(int top, int bottom, real end)
{
    fit f = {.value = erf_slope,
             .weight = erf_weight,
             .argument = square,
             .to = end,
             .top = top,
             .bottom = bottom};
    approximate_in_floats(&f);
    f.weight = itself;
    measure(&f);
    printf("\n/* erf(x) = x p(x^2) / q(x^2), degrees %d and %d, on [-%.4Lg, "
           "%.4Lg]: absolute\n * error %.2Le; 1 - erf(%.4Lg) is %.2Le. */\n",
           top, bottom, end, end, f.error, end, erfcl(end));
    printf("#define DMX_ERF_END %.8ef\n", (double)end);
    print_list("DMX_ERF_TOP", f.p, top + 1);
    print_list("DMX_ERF_BOTTOM", f.q, bottom + 1);
}

int main(void)
{
#if LDBL_MANT_DIG != 64
    fprintf(stderr,
            "make-coefficients: the header is made with long doubles of "
            "64 bits; others may round otherwise\n");
    return 77;
#endif
    printf("/* Written by tools/make_coefficients.c: do not edit. */\n"
           "/* clang-format off */\n"
           "#ifndef DMX_ENGINE_COEFFICIENTS_H\n"
           "#define DMX_ENGINE_COEFFICIENTS_H\n");
    print_exp2("DMX_EXP2_WIDE", 5, 0.5L, "[-1/2, 1/2]");
    print_exp2("DMX_EXP2_NARROW", 2, 1.0L / 64, "[-1/64, 1/64]");
    print_powers(32);
    print_erf(6, 4, ERF_END);
    printf("\n#endif\n");
    return 0;
}
