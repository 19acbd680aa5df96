/* Shared by the two picture formats: data, layout and colours. */
#ifndef DMX_AUDIO_PLOT_PARTS_H
#define DMX_AUDIO_PLOT_PARTS_H

#include "audio/canvas.h"
#include "audio/plot.h"
#include "audio/spectrum.h"

#define DMX_PLOT_LEFT   186
#define DMX_PLOT_RIGHT  28
#define DMX_PLOT_TOP    66
#define DMX_PLOT_WAVE   92 /* height of a waveform */
#define DMX_PLOT_GAP    6  /* between waveform and spectrogram */
#define DMX_PLOT_PITCH  (DMX_PLOT_WAVE + DMX_PLOT_GAP + DMX_SPECTRUM_BANDS + 24)
#define DMX_PLOT_BOTTOM 36

typedef struct dmx_plot_column {
    float low, high; /* extremes of all channels */
    double square;   /* sum of squares */
    int64_t count;   /* samples in it */
    int windows;     /* spectra in `power` */
} dmx_plot_column;

typedef struct dmx_plot_track {
    char *name;
    dmx_colour colour;
    dmx_plot_column *column; /* [width] */
    float *power;            /* [width][DMX_SPECTRUM_BANDS], sums */
    float ring[DMX_SPECTRUM_SIZE];
    int64_t position; /* frames so far */
    int64_t next;     /* frame at which the next spectrum is taken */
} dmx_plot_track;

struct dmx_plot {
    char *title;
    dmx_plot_track *track;
    size_t tracks;
    int rate, width;
    int64_t frames;
    int64_t hop;
    dmx_spectrum spectrum;
};

typedef struct dmx_plot_tick {
    double x; /* columns from the left */
    char label[16];
} dmx_plot_tick;

#define DMX_PLOT_MAX_TICKS 32

extern const dmx_colour dmx_plot_background, dmx_plot_panel, dmx_plot_text,
    dmx_plot_dim;

int dmx_plot_picture_width(const dmx_plot *plot);
int dmx_plot_picture_height(const dmx_plot *plot);
/* The upper edge of a track's waveform. */
int dmx_plot_track_top(size_t track);

/* Times below the plots; returns how many. */
int dmx_plot_ticks(const dmx_plot *plot,
                   dmx_plot_tick tick[DMX_PLOT_MAX_TICKS]);
/* "0:31 at 44.1 kHz" */
void dmx_plot_subtitle(const dmx_plot *plot, char text[64]);
/* "peak -3.1 dB", "rms -18.2 dB" */
void dmx_plot_levels(const dmx_plot_track *track, int width, char peak[32],
                     char rms[32]);

/* The largest sample of all tracks (1e-9 at least): the waveforms' scale. */
double dmx_plot_peak(const dmx_plot *plot);
/* Extremes and RMS of a column; a column without samples shows its left
 * neighbour. */
void dmx_plot_wave(const dmx_plot_track *track, int x, double *low,
                   double *high, double *rms);
/* Draws a track's spectrogram with its upper left corner at (x, y). */
void dmx_plot_spectrogram(const dmx_plot *plot, size_t track,
                          dmx_canvas *canvas, int x, int y);

DMX_MUST_CHECK dmx_status dmx_plot_png(unsigned char **out, size_t *size,
                                       const dmx_plot *plot, dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_plot_svg(char **out, size_t *size,
                                       const dmx_plot *plot, dmx_error *err);

#endif
