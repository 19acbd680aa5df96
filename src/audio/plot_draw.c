#include "audio/plot.h"
#include "audio/plot_parts.h"
#include "base/number.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_WIDTH 1400
#define MAX_WIDTH     8192
#define MAX_TRACKS    16
#define MAX_WINDOWS   16 /* spectra per column, however long the song */

static const struct {
    const char *name;
    dmx_colour colour;
} palette[] = {
    {"mix", {0xD9, 0xE2, 0xEC}},    {"drums", {0xFF, 0x8A, 0x3D}},
    {"bass", {0xB9, 0x7C, 0xFF}},   {"other", {0x2F, 0xCF, 0xB5}},
    {"vocals", {0xFF, 0xD1, 0x4A}}, {"guitar", {0xFF, 0x6B, 0x81}},
    {"piano", {0x5A, 0xB0, 0xFF}},  {"no_vocals", {0x9A, 0xD9, 0x5B}},
};

#define PALETTE (sizeof palette / sizeof palette[0])

/* Known stems keep their colour in every picture. */
static dmx_colour choose_colour(const char *name, size_t index)
{
    for (size_t i = 0; i < PALETTE; i++)
        if (strcasecmp(palette[i].name, name) == 0)
            return palette[i].colour;
    return palette[index % PALETTE].colour;
}

static dmx_status check_options(const dmx_plot_options *o, dmx_error *err)
{
    DMX_RETURN_IF(o->tracks < 1 || o->tracks > MAX_TRACKS, err,
                  DMX_ERROR_ARGUMENT, "a picture of %zu tracks; 1 to %d",
                  o->tracks, MAX_TRACKS);
    DMX_RETURN_IF(o->rate < 1 || o->frames < 1, err, DMX_ERROR_ARGUMENT,
                  "a picture of no sound: %lld frames at %d Hz",
                  (long long)o->frames, o->rate);
    DMX_RETURN_IF(o->width < 0 || (o->width > 0 && o->width < 200) ||
                      o->width > MAX_WIDTH,
                  err, DMX_ERROR_ARGUMENT,
                  "a picture %d columns wide; 200 to %d", o->width, MAX_WIDTH);
    return DMX_OK;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t choose_hop(int64_t frames, int width)
{
    const int64_t column = frames / width;
    const int64_t wanted =
        column / 2 < DMX_SPECTRUM_SIZE / 2 ? column / 2 : DMX_SPECTRUM_SIZE / 2;
    return max64(1, max64(wanted, column / MAX_WINDOWS));
}

static dmx_status open_tracks(dmx_plot *p, const dmx_plot_options *o,
                              dmx_error *err)
{
    const size_t width = (size_t)p->width;
    p->title = strdup(o->title != NULL ? o->title : "");
    p->track = calloc(o->tracks, sizeof *p->track);
    bool failed = p->title == NULL || p->track == NULL;
    for (size_t i = 0; !failed && i < o->tracks; i++) {
        dmx_plot_track *t = &p->track[i];
        p->tracks = i + 1;
        t->name = strdup(o->name[i]);
        t->column = calloc(width, sizeof *t->column);
        t->power = calloc(width * DMX_SPECTRUM_BANDS, sizeof *t->power);
        failed = t->name == NULL || t->column == NULL || t->power == NULL;
        if (failed)
            break;
        t->colour = choose_colour(t->name, i);
        /* The first window is centred on the first column. */
        t->next = p->frames < DMX_SPECTRUM_SIZE / 2 ? p->frames
                                                    : DMX_SPECTRUM_SIZE / 2;
    }
    DMX_RETURN_IF(failed, err, DMX_ERROR_MEMORY, "no memory for the picture");
    return DMX_OK;
}

dmx_status dmx_plot_open(dmx_plot **out, const dmx_plot_options *options,
                         dmx_error *err)
{
    *out = NULL;
    DMX_FORWARD(check_options(options, err));
    dmx_plot *p = calloc(1, sizeof *p);
    DMX_RETURN_IF(p == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for the picture");
    p->rate = options->rate;
    p->frames = options->frames;
    p->width = options->width > 0 ? options->width : DEFAULT_WIDTH;
    p->hop = choose_hop(p->frames, p->width);
    dmx_spectrum_init(&p->spectrum, p->rate);
    const dmx_status status = open_tracks(p, options, err);
    if (status != DMX_OK) {
        dmx_plot_close(p);
        return status;
    }
    *out = p;
    return DMX_OK;
}

void dmx_plot_close(dmx_plot *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->tracks; i++) {
        free(p->track[i].name);
        free(p->track[i].column);
        free(p->track[i].power);
    }
    free(p->track);
    free(p->title);
    free(p);
}

static int column_of(const dmx_plot *p, int64_t frame)
{
    if (frame < 0)
        frame = 0;
    const double x = (double)frame / (double)p->frames * p->width;
    return x < p->width - 1 ? (int)x : p->width - 1;
}

/* The window's centre lies half its length behind the newest sample. */
static void take_spectrum(dmx_plot *p, dmx_plot_track *t)
{
    float window[DMX_SPECTRUM_SIZE];
    const size_t start = (size_t)(t->position % DMX_SPECTRUM_SIZE);
    const size_t tail = DMX_SPECTRUM_SIZE - start;
    memcpy(window, t->ring + start, tail * sizeof *window);
    memcpy(window + tail, t->ring, start * sizeof *window);
    const int x = column_of(p, t->position - DMX_SPECTRUM_SIZE / 2);
    dmx_spectrum_add(&p->spectrum, t->power + x * DMX_SPECTRUM_BANDS, window);
    t->column[x].windows++;
    t->next = t->position + p->hop;
}

static void add_sample(dmx_plot_column *column, float x)
{
    if (column->count == 0 || x < column->low)
        column->low = x;
    if (column->count == 0 || x > column->high)
        column->high = x;
    column->square += (double)x * x;
    column->count++;
}

void dmx_plot_push(dmx_plot *p, size_t track, const float *const *planes,
                   int channels, size_t frames)
{
    dmx_plot_track *t = &p->track[track];
    for (size_t i = 0; i < frames && t->position < p->frames; i++) {
        dmx_plot_column *column = &t->column[column_of(p, t->position)];
        float sum = 0;
        for (int c = 0; c < channels; c++) {
            add_sample(column, planes[c][i]);
            sum += planes[c][i];
        }
        t->ring[t->position % DMX_SPECTRUM_SIZE] = sum / (float)channels;
        t->position++;
        if (t->position >= t->next)
            take_spectrum(p, t);
    }
}

dmx_status dmx_plot_write(const dmx_plot *p, const char *path, dmx_error *err)
{
    unsigned char *png = NULL;
    char *svg = NULL;
    size_t size = 0;
    const bool is_png = dmx_text_ends_with(path, ".png");
    DMX_RETURN_IF(!is_png && !dmx_text_ends_with(path, ".svg"), err,
                  DMX_ERROR_ARGUMENT,
                  "%s: a picture's name must end in .png or .svg", path);
    const dmx_plain_locale scope = dmx_plain_locale_enter();
    dmx_status status = is_png ? dmx_plot_png(&png, &size, p, err)
                               : dmx_plot_svg(&svg, &size, p, err);
    dmx_plain_locale_leave(scope);
    if (status == DMX_OK)
        status = dmx_write_file(path, is_png ? (void *)png : svg, size, err);
    free(png);
    free(svg);
    return status;
}
