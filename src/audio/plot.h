/* A picture of a song and its stems: waveforms and spectrograms. */
#ifndef DMX_AUDIO_PLOT_H
#define DMX_AUDIO_PLOT_H

#include "base/error.h"

/* Collects a fixed number of columns, whatever the length of the song. */
typedef struct dmx_plot dmx_plot;

typedef struct dmx_plot_options {
    size_t size;             /* sizeof this struct */
    const char *title;       /* UTF-8, or NULL */
    const char *const *name; /* one per track: "mix", "drums", ... */
    size_t tracks;           /* 1 to 16 */
    int rate;                /* Hz, of every track */
    int64_t frames;          /* length of every track, at least 1 */
    int width;               /* columns of the plots; 0: 1400 */
} dmx_plot_options;

#define DMX_PLOT_OPTIONS_INIT                                                  \
    {                                                                          \
        sizeof(dmx_plot_options), NULL, NULL, 0, 44100, 1, 0                   \
    }

DMX_MUST_CHECK dmx_status dmx_plot_open(dmx_plot **out,
                                        const dmx_plot_options *options,
                                        dmx_error *err);

/* Appends frames to one track; tracks may advance in any order, one thread at
 * a time. Frames beyond the length are ignored, missing ones are silence. */
void dmx_plot_push(dmx_plot *plot, size_t track, const float *const *planes,
                   int channels, size_t frames);

/* Writes "x.png" or "x.svg", by the name's ending (ARGUMENT for others),
 * atomically. */
DMX_MUST_CHECK dmx_status dmx_plot_write(const dmx_plot *plot, const char *path,
                                         dmx_error *err);
void dmx_plot_close(dmx_plot *plot);

#endif
