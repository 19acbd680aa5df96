/* Short-time spectra on a logarithmic frequency axis, for pictures. */
#ifndef DMX_AUDIO_SPECTRUM_H
#define DMX_AUDIO_SPECTRUM_H

#include <stddef.h>

#define DMX_SPECTRUM_SIZE  2048 /* samples of a window */
#define DMX_SPECTRUM_BANDS 128

/* Tables; about 30 KB. */
typedef struct dmx_spectrum {
    float window[DMX_SPECTRUM_SIZE]; /* Hann */
    float cosine[DMX_SPECTRUM_SIZE / 2];
    float sine[DMX_SPECTRUM_SIZE / 2];
    float edge[DMX_SPECTRUM_BANDS + 1]; /* band limits in bins */
    double low, high;                   /* Hz */
} dmx_spectrum;

void dmx_spectrum_init(dmx_spectrum *spectrum, int rate);

/* Adds the mean power of every band of the window to power[BANDS]; a
 * full-scale sine has about 1 in its band. Band 0 is the lowest. */
void dmx_spectrum_add(const dmx_spectrum *spectrum, float *power,
                      const float samples[DMX_SPECTRUM_SIZE]);

/* The position of a frequency on the axis, 0 to DMX_SPECTRUM_BANDS. */
double dmx_spectrum_position(const dmx_spectrum *spectrum, double hertz);

#endif
