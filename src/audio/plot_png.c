#include "audio/plot_parts.h"

#include <math.h>
#include <stdio.h>

static const struct {
    double hertz;
    const char *label;
} frequencies[] = {{100, "100 Hz"}, {1000, "1 kHz"}, {10000, "10 kHz"}};

static void text_right(dmx_canvas *c, int right, int y, const char *text,
                       dmx_colour colour)
{
    dmx_canvas_text(c, right - dmx_canvas_text_width(text), y, text, colour);
}

static void draw_title(const dmx_plot *p, dmx_canvas *c)
{
    char subtitle[64];
    dmx_plot_subtitle(p, subtitle);
    dmx_canvas_text(c, DMX_PLOT_LEFT, 26, p->title, dmx_plot_text);
    text_right(c, DMX_PLOT_LEFT + p->width, 26, subtitle, dmx_plot_dim);
}

static void draw_wave(const dmx_plot *p, const dmx_plot_track *t, dmx_canvas *c,
                      int y, double peak)
{
    const double middle = y + DMX_PLOT_WAVE / 2.0;
    const double scale = (DMX_PLOT_WAVE / 2.0 - 2) / peak;
    dmx_canvas_fill(c, DMX_PLOT_LEFT, y, p->width, DMX_PLOT_WAVE,
                    dmx_plot_panel, 1);
    for (int x = 0; x < p->width; x++) {
        double low, high, rms;
        dmx_plot_wave(t, x, &low, &high, &rms);
        const double y0 = middle - fmax(high, 0) * scale - 0.5;
        const double y1 = middle - fmin(low, 0) * scale + 0.5;
        dmx_canvas_column(c, DMX_PLOT_LEFT + x, y0, y1, t->colour, 0.55);
        dmx_canvas_column(c, DMX_PLOT_LEFT + x, middle - rms * scale,
                          middle + rms * scale, t->colour, 0.9);
    }
}

static void draw_frequencies(const dmx_plot *p, dmx_canvas *c, int y)
{
    for (size_t i = 0; i < 3; i++) {
        const double at =
            dmx_spectrum_position(&p->spectrum, frequencies[i].hertz);
        if (at < 4 || at > DMX_SPECTRUM_BANDS - 4)
            continue;
        const int line = y + (int)lround(DMX_SPECTRUM_BANDS - at);
        dmx_canvas_fill(c, DMX_PLOT_LEFT - 6, line, 6, 1, dmx_plot_dim, 1);
        dmx_canvas_fill(c, DMX_PLOT_LEFT, line, p->width, 1, dmx_plot_text,
                        0.10);
        text_right(c, DMX_PLOT_LEFT - 10, line - DMX_TEXT_HEIGHT / 2,
                   frequencies[i].label, dmx_plot_dim);
    }
}

static void draw_track(const dmx_plot *p, size_t i, dmx_canvas *c, double peak)
{
    const dmx_plot_track *t = &p->track[i];
    const int y = dmx_plot_track_top(i);
    const int spectrogram = y + DMX_PLOT_WAVE + DMX_PLOT_GAP;
    char top[32], rms[32];
    dmx_plot_levels(t, p->width, top, rms);
    dmx_canvas_fill(c, 0, y, 5, DMX_PLOT_PITCH - 24, t->colour, 1);
    dmx_canvas_text(c, 16, y + 6, t->name, t->colour);
    dmx_canvas_text(c, 16, y + 36, top, dmx_plot_dim);
    dmx_canvas_text(c, 16, y + 58, rms, dmx_plot_dim);
    draw_wave(p, t, c, y, peak);
    dmx_plot_spectrogram(p, i, c, DMX_PLOT_LEFT, spectrogram);
    draw_frequencies(p, c, spectrogram);
}

static void draw_ticks(const dmx_plot *p, dmx_canvas *c)
{
    dmx_plot_tick tick[DMX_PLOT_MAX_TICKS];
    const int n = dmx_plot_ticks(p, tick);
    const int bottom = dmx_plot_track_top(p->tracks) - 24;
    for (int i = 0; i < n; i++) {
        const int x = DMX_PLOT_LEFT + (int)lround(tick[i].x);
        const int width = dmx_canvas_text_width(tick[i].label);
        dmx_canvas_fill(c, x, DMX_PLOT_TOP, 1, bottom - DMX_PLOT_TOP,
                        dmx_plot_text, 0.07);
        dmx_canvas_fill(c, x, bottom, 1, 8, dmx_plot_dim, 1);
        if (x + width / 2 < dmx_plot_picture_width(p))
            dmx_canvas_text(c, x - width / 2, bottom + 14, tick[i].label,
                            dmx_plot_dim);
    }
}

dmx_status dmx_plot_png(unsigned char **out, size_t *size, const dmx_plot *p,
                        dmx_error *err)
{
    dmx_canvas c;
    DMX_FORWARD(dmx_canvas_open(&c, dmx_plot_picture_width(p),
                                dmx_plot_picture_height(p), dmx_plot_background,
                                err));
    draw_title(p, &c);
    const double peak = dmx_plot_peak(p);
    for (size_t i = 0; i < p->tracks; i++)
        draw_track(p, i, &c, peak);
    draw_ticks(p, &c);
    const dmx_status status = dmx_canvas_png(out, size, &c, err);
    dmx_canvas_close(&c);
    return status;
}
