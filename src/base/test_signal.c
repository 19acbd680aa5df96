#include "base/test_signal.h"

#include "base/elementary.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* gcc has it off in ISO C */
#endif

/* ----------------------------------------------------------- random numbers */

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in [-1, 1), a multiple of 2^-52. */
static double uniform(uint64_t *state)
{
    return (double)((int64_t)next(state) >> 11) * 0x1p-52;
}

/* N(0,1) by Marsaglia's polar method; the second value of each pair is
 * discarded. */
static double normal(uint64_t *state)
{
    double u, s;
    do {
        u = uniform(state);
        const double v = uniform(state);
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * dmx_ln(s) / s);
}

void dmx_signal_noise(float *out, int64_t channels, int64_t samples)
{
    uint64_t state = 1;
    for (int64_t i = 0; i < channels * samples; i++)
        out[i] = (float)normal(&state);
}

/* ------------------------------------------------------------------- music */

/* sin(2 pi phase / 2^32), by a Taylor series within a quarter period. */
static double sine(uint32_t phase)
{
    const uint32_t quarter = phase >> 30;
    uint32_t rest = phase & 0x3fffffffu;
    if (quarter & 1)
        rest = 0x40000000u - rest;
    const double x = rest * (6.283185307179586 * 0x1p-32), x2 = x * x;
    double sum = 0;
    for (int k = 17; k >= 1; k -= 2)
        sum = 1 - sum * x2 / ((k + 1) * (k + 2));
    return quarter & 2 ? -x * sum : x * sum;
}

/* The phase increment per sample at 44.1 kHz for a frequency in hundredths of a
 * hertz. */
static uint32_t step(uint32_t centihertz)
{
    return (uint32_t)(((uint64_t)centihertz << 32) / 4410000u);
}

enum {
    BEAT = 11025, /* samples: 240 a minute at 44.1 kHz */
    NOTES = 8,
};

/* A bass line and the thirds above it, in hundredths of a hertz. */
static const uint32_t bass_note[NOTES] = {5500, 5500, 8241, 7342,
                                          4900, 4900, 6541, 8241};
static const uint32_t chord_note[NOTES] = {22000, 26163, 32963, 29366,
                                           19600, 24694, 26163, 32963};

/* All sounding voices; a decay is a running product, so that pow is not needed.
 */
typedef struct band {
    uint64_t random;
    uint32_t bass, chord, voice, vibrato, kick;
    double bass_level, chord_level, kick_level, snare_level, hat_level;
} band;

static void strike(band *b, int64_t beat)
{
    b->bass_level = 0.35;
    b->kick_level = beat % 2 == 0 ? 0.7 : 0;
    b->snare_level = beat % 2 == 1 ? 0.5 : b->snare_level;
    if (beat % 4 == 0)
        b->chord_level = 0.2;
    b->kick = 0;
}

/* One stereo sample of the whole band. */
static void play(band *b, int64_t i, double out[2])
{
    const int64_t beat = i / BEAT;
    if (i % BEAT == 0)
        strike(b, beat);
    if (i % (BEAT / 2) == 0)
        b->hat_level = 0.15;
    b->bass += step(bass_note[beat % NOTES]);
    b->chord += step(chord_note[beat / 4 % NOTES]);
    b->vibrato += step(550);
    b->voice += step(44000) + (uint32_t)(int32_t)(sine(b->vibrato) * 800000);
    b->kick += step((uint32_t)(4000 + 12000 * b->kick_level));
    double bass = 0, voice = 0;
    for (uint32_t k = 1; k <= 4; k++)
        bass += sine(k * b->bass) / k;
    for (uint32_t k = 1; k <= 12; k++)
        voice += sine(k * b->voice) / (k + 2);
    const double chord = sine(b->chord) + sine(b->chord / 4 * 5) / 2;
    const double white = uniform(&b->random);
    const double snare = b->snare_level * (white + sine(b->kick * 3) / 2);
    const double hat = b->hat_level * uniform(&b->random);
    const double middle = b->bass_level * bass + 0.15 * voice +
                          b->kick_level * sine(b->kick) + snare;
    out[0] = middle + 1.4 * b->chord_level * chord + 0.4 * hat;
    out[1] = middle + 0.6 * b->chord_level * chord + 1.3 * hat;
    b->bass_level *= 0.99985;
    b->chord_level *= 0.99995;
    b->kick_level *= 0.9995;
    b->snare_level *= 0.9993;
    b->hat_level *= 0.998;
}

/* The parts of the piece, in sixteenths of its length. */
enum part {
    SILENCE,
    FULL,
    QUIET, /* -60 dB */
    OFFSET,
    LEFT,
    RIGHT,
    CLIPPED,
};
static const enum part score[16] = {
    SILENCE, FULL,   FULL, FULL, FULL,  FULL,    QUIET,   QUIET,
    OFFSET,  OFFSET, LEFT, LEFT, RIGHT, CLIPPED, CLIPPED, SILENCE,
};

static double clip(double x)
{
    return x > 1 ? 1 : x < -1 ? -1 : x;
}

/* A sample of a part; the first of every part but silence is a full-scale
 * transient of two samples. */
static double shape(enum part part, int64_t since, bool right, double x)
{
    static const double transient[2] = {1, -1};
    if (part == SILENCE)
        return 0;
    if (part == QUIET)
        return 0.001 * x;
    if ((part == LEFT && right) || (part == RIGHT && !right))
        return 0;
    if (since < 2)
        return transient[since];
    if (part == OFFSET)
        return clip(0.25 + 0.5 * x);
    return clip(part == CLIPPED ? 4 * x : 0.7 * x);
}

void dmx_signal_music(float *out, int64_t channels, int64_t samples)
{
    band b = {.random = 2};
    int64_t start = 0;
    int before = -1;
    for (int64_t i = 0; i < samples; i++) {
        const int place = (int)(i * 16 / samples);
        if (place != before)
            start = i;
        before = place;
        double x[2];
        play(&b, i, x);
        for (int64_t c = 0; c < channels; c++)
            out[c * samples + i] =
                (float)shape(score[place], i - start, c % 2 == 1, x[c % 2]);
    }
}

void dmx_signal_music_over_noise(float *out, int64_t channels, int64_t samples)
{
    uint64_t state = 3;
    dmx_signal_music(out, channels, samples);
    for (int64_t i = 0; i < channels * samples; i++)
        out[i] += (float)(0.001 * normal(&state));
}

dmx_status dmx_test_signal(float *out, const char *name, int64_t channels,
                           int64_t samples, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    DMX_NEED(err, name);
    DMX_RETURN_IF(channels < 1 || samples < 1 || samples > INT64_MAX / 64, err,
                  DMX_ERROR_ARGUMENT, "a test signal of no length");
    if (strcmp(name, "noise") == 0)
        dmx_signal_noise(out, channels, samples);
    else if (strcmp(name, "music") == 0)
        dmx_signal_music(out, channels, samples);
    else if (strcmp(name, "music over noise") == 0)
        dmx_signal_music_over_noise(out, channels, samples);
    else
        DMX_RETURN_ERROR(
            err, DMX_ERROR_ARGUMENT,
            "no test signal '%s'; noise, music or music over noise", name);
    return DMX_OK;
}
