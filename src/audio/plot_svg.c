#include "audio/plot_parts.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FONT "font-family=\"system-ui,Segoe UI,Helvetica,Arial,sans-serif\""

static void colour_text(char text[8], dmx_colour c)
{
    snprintf(text, 8, "#%02x%02x%02x", c.r, c.g, c.b);
}

/* Bytes of the UTF-8 character at p; 0 when it is none. */
static int utf8_length(const unsigned char *p)
{
    const int length = p[0] < 0x80                   ? 1
                       : p[0] >= 0xC2 && p[0] < 0xE0 ? 2
                       : (p[0] & 0xF0) == 0xE0       ? 3
                       : p[0] >= 0xF0 && p[0] < 0xF5 ? 4
                                                     : 0;
    for (int i = 1; i < length; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

/* Writes untrusted text: markup is escaped, control characters are removed and
 * invalid UTF-8 becomes '?'. */
static void put_escaped(FILE *f, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    while (*p != '\0') {
        const int length = utf8_length(p);
        if (length == 0)
            fputc('?', f);
        else if (*p == '&')
            fputs("&amp;", f);
        else if (*p == '<')
            fputs("&lt;", f);
        else if (*p == '>')
            fputs("&gt;", f);
        else if (*p >= ' ')
            fwrite(p, 1, (size_t)length, f);
        p += length > 0 ? length : 1;
    }
}

static void put_text(FILE *f, double x, double y, int size, const char *anchor,
                     dmx_colour colour, const char *text)
{
    char fill[8];
    colour_text(fill, colour);
    fprintf(f,
            "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" text-anchor=\"%s\" "
            "fill=\"%s\">",
            x, y, size, anchor, fill);
    put_escaped(f, text);
    fputs("</text>\n", f);
}

static void put_rect(FILE *f, double x, double y, double width, double height,
                     dmx_colour colour)
{
    char fill[8];
    colour_text(fill, colour);
    fprintf(f,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
            "fill=\"%s\"/>\n",
            x, y, width, height, fill);
}

/* The outline: upper edge to the right, lower edge back. */
static void put_wave(FILE *f, const dmx_plot *p, const dmx_plot_track *t, int y,
                     double peak, bool rms_only)
{
    const double middle = y + DMX_PLOT_WAVE / 2.0;
    const double scale = (DMX_PLOT_WAVE / 2.0 - 2) / peak;
    char fill[8];
    double low, high, rms;
    colour_text(fill, t->colour);
    fprintf(f, "<path fill=\"%s\" fill-opacity=\"%s\" d=\"M", fill,
            rms_only ? "0.9" : "0.5");
    for (int x = 0; x < p->width; x++) {
        dmx_plot_wave(t, x, &low, &high, &rms);
        const double up = rms_only ? rms : fmax(high, 0);
        fprintf(f, "%d %.1f ", DMX_PLOT_LEFT + x, middle - up * scale - 0.3);
    }
    for (int x = p->width - 1; x >= 0; x--) {
        dmx_plot_wave(t, x, &low, &high, &rms);
        const double down = rms_only ? -rms : fmin(low, 0);
        fprintf(f, "%d %.1f ", DMX_PLOT_LEFT + x, middle - down * scale + 0.3);
    }
    fputs("Z\"/>\n", f);
}

static void put_base64(FILE *f, const unsigned char *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        const unsigned b1 = i + 1 < n ? p[i + 1] : 0;
        const unsigned b2 = i + 2 < n ? p[i + 2] : 0;
        const unsigned v = (unsigned)p[i] << 16 | b1 << 8 | b2;
        fputc(digits[v >> 18], f);
        fputc(digits[v >> 12 & 63], f);
        fputc(i + 1 < n ? digits[v >> 6 & 63] : '=', f);
        fputc(i + 2 < n ? digits[v & 63] : '=', f);
    }
}

static dmx_status put_spectrogram(FILE *f, const dmx_plot *p, size_t track,
                                  int y, dmx_error *err)
{
    dmx_canvas c;
    unsigned char *png;
    size_t size;
    DMX_FORWARD(dmx_canvas_open(&c, p->width, DMX_SPECTRUM_BANDS,
                                dmx_plot_background, err));
    dmx_plot_spectrogram(p, track, &c, 0, 0);
    const dmx_status status = dmx_canvas_png(&png, &size, &c, err);
    dmx_canvas_close(&c);
    if (status != DMX_OK)
        return status;
    fprintf(f,
            "<image x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
            "href=\"data:image/png;base64,",
            DMX_PLOT_LEFT, y, p->width, DMX_SPECTRUM_BANDS);
    put_base64(f, png, size);
    fputs("\"/>\n", f);
    free(png);
    return DMX_OK;
}

static void put_frequencies(FILE *f, const dmx_plot *p, int y)
{
    static const double hertz[] = {100, 1000, 10000};
    static const char *const label[] = {"100 Hz", "1 kHz", "10 kHz"};
    for (int i = 0; i < 3; i++) {
        const double at = dmx_spectrum_position(&p->spectrum, hertz[i]);
        if (at > 4 && at < DMX_SPECTRUM_BANDS - 4)
            put_text(f, DMX_PLOT_LEFT - 8, y + DMX_SPECTRUM_BANDS - at + 4, 12,
                     "end", dmx_plot_dim, label[i]);
    }
}

static dmx_status put_track(FILE *f, const dmx_plot *p, size_t i, double peak,
                            dmx_error *err)
{
    const dmx_plot_track *t = &p->track[i];
    const int y = dmx_plot_track_top(i);
    const int spectrogram = y + DMX_PLOT_WAVE + DMX_PLOT_GAP;
    char top[32], rms[32];
    dmx_plot_levels(t, p->width, top, rms);
    put_rect(f, 0, y, 5, DMX_PLOT_PITCH - 24, t->colour);
    put_text(f, 16, y + 20, 18, "start", t->colour, t->name);
    put_text(f, 16, y + 46, 12, "start", dmx_plot_dim, top);
    put_text(f, 16, y + 64, 12, "start", dmx_plot_dim, rms);
    put_rect(f, DMX_PLOT_LEFT, y, p->width, DMX_PLOT_WAVE, dmx_plot_panel);
    put_wave(f, p, t, y, peak, false);
    put_wave(f, p, t, y, peak, true);
    DMX_FORWARD(put_spectrogram(f, p, i, spectrogram, err));
    put_frequencies(f, p, spectrogram);
    return DMX_OK;
}

static void put_ticks(FILE *f, const dmx_plot *p)
{
    dmx_plot_tick tick[DMX_PLOT_MAX_TICKS];
    const int n = dmx_plot_ticks(p, tick);
    const int bottom = dmx_plot_track_top(p->tracks) - 24;
    for (int i = 0; i < n; i++) {
        const double x = DMX_PLOT_LEFT + tick[i].x;
        put_rect(f, x, bottom, 1, 8, dmx_plot_dim);
        put_text(f, x, bottom + 24, 12, "middle", dmx_plot_dim, tick[i].label);
    }
}

static dmx_status put_all(FILE *f, const dmx_plot *p, dmx_error *err)
{
    const int width = dmx_plot_picture_width(p);
    const int height = dmx_plot_picture_height(p);
    char subtitle[64];
    dmx_plot_subtitle(p, subtitle);
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
            "height=\"%d\" viewBox=\"0 0 %d %d\" " FONT ">\n",
            width, height, width, height);
    put_rect(f, 0, 0, width, height, dmx_plot_background);
    put_text(f, DMX_PLOT_LEFT, 42, 22, "start", dmx_plot_text, p->title);
    put_text(f, DMX_PLOT_LEFT + p->width, 42, 14, "end", dmx_plot_dim,
             subtitle);
    const double peak = dmx_plot_peak(p);
    for (size_t i = 0; i < p->tracks; i++)
        DMX_FORWARD(put_track(f, p, i, peak, err));
    put_ticks(f, p);
    fputs("</svg>\n", f);
    return DMX_OK;
}

dmx_status dmx_plot_svg(char **out, size_t *size, const dmx_plot *p,
                        dmx_error *err)
{
    *out = NULL;
    FILE *f = open_memstream(out, size);
    DMX_RETURN_IF(f == NULL, err, DMX_ERROR_MEMORY, "no memory for the SVG");
    dmx_status status = put_all(f, p, err);
    const int failed = ferror(f);
    if ((fclose(f) != 0 || failed) && status == DMX_OK)
        status = dmx_fail(err, DMX_ERROR_MEMORY, "no memory for the SVG");
    if (status != DMX_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}
