#include "audio/plot_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RANGE_DB 72.0 /* from black to the loudest */

const dmx_colour dmx_plot_background = {0x0D, 0x11, 0x17};
const dmx_colour dmx_plot_panel = {0x14, 0x1A, 0x22};
const dmx_colour dmx_plot_text = {0xE6, 0xED, 0xF3};
const dmx_colour dmx_plot_dim = {0x7D, 0x8B, 0x99};

int dmx_plot_picture_width(const dmx_plot *p)
{
    return DMX_PLOT_LEFT + p->width + DMX_PLOT_RIGHT;
}

int dmx_plot_picture_height(const dmx_plot *p)
{
    return dmx_plot_track_top(p->tracks) + DMX_PLOT_BOTTOM;
}

int dmx_plot_track_top(size_t track)
{
    return DMX_PLOT_TOP + (int)track * DMX_PLOT_PITCH;
}

static void time_text(char *text, size_t size, double seconds, double step)
{
    const int whole = (int)seconds;
    if (step < 1)
        snprintf(text, size, "%.*f s",
                 step < 0.01  ? 3
                 : step < 0.1 ? 2
                              : 1,
                 seconds);
    else if (whole >= 3600)
        snprintf(text, size, "%d:%02d:%02d", whole / 3600, whole / 60 % 60,
                 whole % 60);
    else
        snprintf(text, size, "%d:%02d", whole / 60, whole % 60);
}

/* The smallest round step that yields at most twelve ticks. */
static double tick_step(double seconds)
{
    static const double steps[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
                                   0.2,   0.5,   1,     2,    5,    10,   15,
                                   30,    60,    120,   300,  600,  900,  1800,
                                   3600,  7200,  14400, 36000};
    size_t i = 0;
    while (seconds / steps[i] > 12 && i + 1 < sizeof steps / sizeof steps[0])
        i++;
    return fmax(steps[i], seconds / 24);
}

int dmx_plot_ticks(const dmx_plot *p, dmx_plot_tick tick[DMX_PLOT_MAX_TICKS])
{
    const double seconds = (double)p->frames / p->rate;
    const double step = tick_step(seconds);
    int n = 0;
    while (n < DMX_PLOT_MAX_TICKS && n * step <= seconds) {
        tick[n].x = n * step / seconds * p->width;
        time_text(tick[n].label, sizeof tick[n].label, n * step, step);
        n++;
    }
    return n;
}

void dmx_plot_subtitle(const dmx_plot *p, char text[64])
{
    char time[24];
    const double seconds = (double)p->frames / p->rate;
    time_text(time, sizeof time, seconds, seconds < 1 ? 0.01 : 1);
    snprintf(text, 64, "%s at %g kHz", time, p->rate / 1000.0);
}

void dmx_plot_levels(const dmx_plot_track *t, int width, char peak[32],
                     char rms[32])
{
    double top = 0, square = 0, count = 0;
    for (int x = 0; x < width; x++) {
        const dmx_plot_column *c = &t->column[x];
        top = fmax(top, fmax(-c->low, c->high));
        square += c->square;
        count += (double)c->count;
    }
    if (top <= 0) {
        snprintf(peak, 32, "silent");
        rms[0] = '\0';
        return;
    }
    snprintf(peak, 32, "peak %5.1f dB", 20 * log10(top));
    snprintf(rms, 32, "rms  %5.1f dB", 10 * log10(square / count));
}

double dmx_plot_peak(const dmx_plot *p)
{
    double peak = 1e-9;
    for (size_t i = 0; i < p->tracks; i++)
        for (int x = 0; x < p->width; x++) {
            const dmx_plot_column *c = &p->track[i].column[x];
            peak = fmax(peak, fmax(-c->low, c->high));
        }
    return peak;
}

void dmx_plot_wave(const dmx_plot_track *t, int x, double *low, double *high,
                   double *rms)
{
    while (x > 0 && t->column[x].count == 0)
        x--;
    const dmx_plot_column *c = &t->column[x];
    *low = c->low;
    *high = c->high;
    *rms = c->count > 0 ? sqrt(c->square / (double)c->count) : 0;
}

/* Mean power of a band; a column without spectra shows its left neighbour's,
 * those before the first one the first. */
static double power_at(const dmx_plot_track *t, int width, int x, int band)
{
    int k = x;
    while (k > 0 && t->column[k].windows == 0)
        k--;
    while (k + 1 < width && t->column[k].windows == 0)
        k++;
    const int windows = t->column[k].windows;
    if (windows == 0)
        return 0;
    return (double)t->power[k * DMX_SPECTRUM_BANDS + band] / windows;
}

/* High frequencies have less power; a tilt of 3 dB per octave makes them
 * equally visible. */
static double tilted_db(const dmx_plot *p, double power, int band)
{
    const double octaves =
        log2(p->spectrum.high / p->spectrum.low) * band / DMX_SPECTRUM_BANDS;
    return 10 * log10(power + 1e-20) + 3 * octaves;
}

/* One scale for all tracks, so that levels are comparable. */
static double loudest_db(const dmx_plot *p)
{
    double loudest = -120;
    for (size_t i = 0; i < p->tracks; i++)
        for (int x = 0; x < p->width; x++)
            for (int b = 0; b < DMX_SPECTRUM_BANDS; b++)
                loudest = fmax(
                    loudest,
                    tilted_db(p, power_at(&p->track[i], p->width, x, b), b));
    return loudest;
}

/* A colour map of five colours from dark to bright for the mix, and shades of
 * its own colour for a stem. */
static dmx_colour shade(const dmx_plot_track *t, double level)
{
    static const dmx_colour whole[5] = {{0x0D, 0x11, 0x17},
                                        {0x2B, 0x1E, 0x66},
                                        {0xA8, 0x32, 0x7E},
                                        {0xF9, 0x7B, 0x4A},
                                        {0xFE, 0xF0, 0xB8}};
    const dmx_colour white = {0xFF, 0xFF, 0xFF};
    const dmx_colour own[5] = {
        dmx_plot_background,
        dmx_colour_mix(dmx_plot_background, t->colour, 0.22),
        dmx_colour_mix(dmx_plot_background, t->colour, 0.55), t->colour,
        dmx_colour_mix(t->colour, white, 0.75)};
    const dmx_colour *stop = strcasecmp(t->name, "mix") == 0 ? whole : own;
    const double at = fmin(fmax(level, 0), 1) * 4;
    const int i = at >= 4 ? 3 : (int)at;
    return dmx_colour_mix(stop[i], stop[i + 1], at - i);
}

void dmx_plot_spectrogram(const dmx_plot *p, size_t track, dmx_canvas *canvas,
                          int x, int y)
{
    const dmx_plot_track *t = &p->track[track];
    const double top = loudest_db(p);
    for (int i = 0; i < p->width; i++)
        for (int b = 0; b < DMX_SPECTRUM_BANDS; b++) {
            const double db = tilted_db(p, power_at(t, p->width, i, b), b);
            dmx_canvas_blend(canvas, x + i, y + DMX_SPECTRUM_BANDS - 1 - b,
                             shade(t, (db - top + RANGE_DB) / RANGE_DB), 1);
        }
}
