/* STFT and iSTFT against sums written out, for even and odd hops and signals
 * too short to be reflected; and the FFT against the plain transform. */
#include "graph_case.h"

#include "base/hash.h"
#include "reference/fft64.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double turn = 6.283185307179586476925286766559;

static void check_fft(size_t n)
{
    dmx_fft64 fft;
    dmx_error err = DMX_ERROR_INIT;
    uint64_t seed = n;
    double *x = malloc(6 * n * sizeof *x);
    assert_non_null(x);
    double *y = x + 2 * n;
    for (size_t i = 0; i < 2 * n; i++)
        y[i] = x[i] = test_normal(&seed);
    assert_ok(dmx_fft64_open(&fft, n, &err), &err);
    dmx_fft64_forward(&fft, y, x + 4 * n);
    for (size_t k = 0; k < n; k++) {
        double re = 0.0, im = 0.0;
        for (size_t i = 0; i < n; i++) {
            const double a = -turn * (double)(k * i % n) / (double)n;
            re += x[2 * i] * cos(a) - x[2 * i + 1] * sin(a);
            im += x[2 * i] * sin(a) + x[2 * i + 1] * cos(a);
        }
        assert_true(fabs(y[2 * k] - re) < 1e-13 * (double)n + 1e-12);
        assert_true(fabs(y[2 * k + 1] - im) < 1e-13 * (double)n + 1e-12);
    }
    dmx_fft64_backward(&fft, y, x + 4 * n);
    for (size_t i = 0; i < 2 * n; i++)
        assert_true(fabs(y[i] / (double)n - x[i]) < 1e-13);
    dmx_fft64_close(&fft);
    free(x);
}

static void test_fft(void **state)
{
    (void)state;
    const size_t more[] = {60,  64,  100, 128, 180, 210,
                           244, 343, 500, 512, 1212};
    for (size_t n = 1; n < 40; n++)
        check_fft(n);
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        check_fft(more[i]);
}

/* F.pad(mode="reflect") of x [length] by before and after; malloc'd. */
static double *reflected(const double *x, int64_t length, int64_t before,
                         int64_t after)
{
    double *y = malloc((size_t)(before + length + after) * sizeof *y);
    assert_non_null(y);
    assert_true(before < length && after < length);
    for (int64_t i = 0; i < before; i++)
        y[i] = x[before - i];
    memcpy(y + before, x, (size_t)length * sizeof *y);
    for (int64_t i = 0; i < after; i++)
        y[before + length + i] = x[length - 2 - i];
    return y;
}

/* The mixture after pad1d, as _spec calls it; *count samples. */
static double *padded(const double *x, int64_t length, int64_t hop,
                      int64_t *count)
{
    const int64_t frames = (length + hop - 1) / hop;
    int64_t left = hop / 2 * 3, right = left + frames * hop - length;
    const int64_t most = left > right ? left : right;
    *count = left + length + right;
    int64_t extra_right = 0, extra_left = 0;
    if (length <= most) {
        const int64_t extra = most - length + 1;
        extra_right = extra < right ? extra : right;
        extra_left = extra - extra_right;
    }
    const int64_t extended = extra_left + length + extra_right;
    double *zeros_added = calloc((size_t)extended, sizeof *zeros_added);
    assert_non_null(zeros_added);
    memcpy(zeros_added + extra_left, x, (size_t)length * sizeof *x);
    double *y = reflected(zeros_added, extended, left - extra_left,
                          right - extra_right);
    free(zeros_added);
    return y;
}

static double hann(int64_t i, int64_t nfft)
{
    static float window[65536];
    static int64_t size;
    if (size != nfft)
        dmx_hann_window(window, nfft);
    size = nfft;
    return (double)window[i];
}

/* The window is float32's, within 2e-7 of the formula, and to the bit what
 * PyTorch 1.13 makes: the sums are of its torch.hann_window. */
static void test_window(void **state)
{
    (void)state;
    static const struct {
        int64_t nfft;
        const char *sum;
    } known[] = {
        {4096,
         "d7ec9072de9867c2fdd4428353bd0df2ac872cae1b843fe8ef4c93052758d6fb"},
        {1024,
         "d7eea073e5f5f88615d8e140802bf8710115c6819a233caecf27cbe746aaf170"}};
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        const int64_t n = known[k].nfft;
        dmx_error err = DMX_ERROR_INIT;
        char hex[DMX_SHA256_HEX];
        float *window = malloc((size_t)n * sizeof *window);
        assert_non_null(window);
        dmx_hann_window(window, n);
        for (int64_t i = 0; i < n; i++) {
            const double s = sin(turn / 2.0 * (double)i / (double)n);
            assert_true(fabs((double)window[i] - s * s) < 2e-7);
        }
        assert_ok(dmx_sha256_hex(hex, window, (size_t)n * sizeof *window, &err),
                  &err);
        assert_string_equal(hex, known[k].sum);
        free(window);
    }
}

static void check_stft(uint64_t seed, int64_t nfft, int64_t length)
{
    graph_case c;
    graph_case_open(&c, seed, 2, 1, length);
    graph_case_run(
        &c, dmx_graph_stft(c.graph, "stft", c.x, nfft, DMX_FRAMES_HYBRID));
    const int64_t hop = nfft / 4, bins = nfft / 2;
    const int64_t frames = (length + hop - 1) / hop;
    double *y = calloc((size_t)(4 * bins * frames), sizeof *y);
    assert_non_null(y);
    for (int64_t ch = 0; ch < 2; ch++) {
        int64_t count;
        double *p = padded(c.mix + ch * length, length, hop, &count);
        double *x = reflected(p, count, nfft / 2, nfft / 2);
        for (int64_t k = 0; k < bins; k++)
            for (int64_t t = 0; t < frames; t++)
                for (int64_t i = 0; i < nfft; i++) {
                    const double v = x[(t + 2) * hop + i] * hann(i, nfft) /
                                     sqrt((double)nfft);
                    const double a =
                        turn * (double)(k * i % nfft) / (double)nfft;
                    const int64_t at = (2 * ch * bins + k) * frames + t;
                    y[at] += v * cos(a);
                    y[at + bins * frames] -= v * sin(a);
                }
        free(p);
        free(x);
    }
    graph_case_check(&c, y, 4 * bins * frames);
    free(y);
    graph_case_close(&c);
}

static void test_stft(void **state)
{
    (void)state;
    const int64_t nfft[] = {16, 20, 24, 28, 36, 64};
    for (uint64_t i = 0; i < 6; i++) {
        const int64_t hop = nfft[i] / 4;
        check_stft(i, nfft[i], 7 * hop);
        check_stft(i, nfft[i], 9 * hop + 1);
        check_stft(i, nfft[i], 2 * hop - 1); /* zeros before reflection */
        check_stft(i, nfft[i], 1);           /* zeros on both sides */
    }
}

/* One channel by torch.istft's definition: frames of the inverse transform,
 * windowed, added and divided by the sum of squared windows. */
static void naive_istft(double *out, const double *re, int64_t nfft,
                        int64_t frames, int64_t length)
{
    const int64_t hop = nfft / 4, bins = nfft / 2;
    const int64_t all = frames + 4, total = nfft + hop * (all - 1);
    const double *im = re + bins * frames;
    double *x = calloc(2 * (size_t)total, sizeof *x), *e = x + total;
    for (int64_t t = 0; t < all; t++)
        for (int64_t i = 0; i < nfft; i++) {
            const double w = hann(i, nfft);
            double v = 0.0;
            for (int64_t k = 0; k < bins && t >= 2 && t < frames + 2; k++) {
                const double a = turn * (double)(k * i % nfft) / (double)nfft;
                const int64_t at = k * frames + t - 2;
                v += (k == 0 ? 1.0 : 2.0) *
                     (re[at] * cos(a) - (k == 0 ? 0.0 : im[at] * sin(a)));
            }
            x[t * hop + i] += v / sqrt((double)nfft) * w;
            e[t * hop + i] += w * w;
        }
    for (int64_t i = 0; i < length; i++) {
        const int64_t at = nfft / 2 + hop / 2 * 3 + i;
        out[i] = x[at] / e[at];
    }
    free(x);
}

static void check_istft(uint64_t seed, int64_t nfft, int64_t length)
{
    const int64_t hop = nfft / 4, frames = (length + hop - 1) / hop;
    graph_case c;
    graph_case_open(&c, seed, 4, nfft / 2, frames);
    graph_case_run(&c,
                   dmx_graph_istft(c.graph, "i", c.x, nfft, DMX_FRAMES_HYBRID,
                                   dmx_length_fixed(length)));
    double *y = calloc(2 * (size_t)length, sizeof *y);
    assert_non_null(y);
    for (int64_t ch = 0; ch < 2; ch++)
        naive_istft(y + ch * length, c.mix + ch * nfft * frames, nfft, frames,
                    length);
    graph_case_check(&c, y, 2 * length);
    free(y);
    graph_case_close(&c);
}

static void test_istft(void **state)
{
    (void)state;
    const int64_t nfft[] = {16, 20, 24, 36, 64};
    for (uint64_t i = 0; i < 5; i++)
        for (int64_t length = nfft[i] - 3; length < nfft[i] + 4; length += 3)
            check_istft(i, nfft[i], length);
}

/* Without a Nyquist part, the inverse gives the signal back. */
static void test_round_trip(void **state)
{
    (void)state;
    graph_case c;
    graph_case_open(&c, 9, 2, 1, 5000);
    for (int64_t i = 0; i < 10000; i++)
        c.mix[i] = sin(0.01 * (double)i) + 0.5 * cos(0.37 * (double)i);
    const dmx_value z =
        dmx_graph_stft(c.graph, "s", c.x, 512, DMX_FRAMES_HYBRID);
    graph_case_run(&c, dmx_graph_istft(c.graph, "i", z, 512, DMX_FRAMES_HYBRID,
                                       dmx_length_fixed(5000)));
    for (int64_t i = 0; i < 10000; i++)
        if (i % 5000 > 512 && i % 5000 < 4488)
            assert_true(fabs(c.out[i] - c.mix[i]) < 1e-6);
    graph_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fft),        cmocka_unit_test(test_window),
        cmocka_unit_test(test_stft),       cmocka_unit_test(test_istft),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
