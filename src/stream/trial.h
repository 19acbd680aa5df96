/* Songs in memory and their scores, for the evaluation of live modes. */
#ifndef DMX_STREAM_TRIAL_H
#define DMX_STREAM_TRIAL_H

#include "separate/separator.h"

/* A mix and its true stems, at the model's rate and channels. */
typedef struct dmx_trial {
    int64_t channels, rows, length; /* rows: stems * channels */
    float *mix;                     /* [channels][length] */
    float *truth;                   /* [rows][length] */
} dmx_trial;

/* truth[stem]: paths, one for each of the separator's stems; at most `seconds`
 * of each. Fails like reading sound files, or with ARGUMENT when lengths
 * differ. */
DMX_MUST_CHECK dmx_status dmx_trial_open(dmx_trial *out,
                                         const dmx_separator *separator,
                                         const char *song,
                                         const char *const *truth,
                                         double seconds, const dmx_hooks *hooks,
                                         dmx_error *err);
void dmx_trial_close(dmx_trial *trial);

/* Adds the squared differences of y, with rows `stride` apart and starting at
 * position `at`, to noise[stem]; frames outside the song are ignored. */
void dmx_trial_compare(const dmx_trial *trial, double *noise, const float *y,
                       int64_t stride, int64_t at, int64_t n);

/* SDR of a stem in dB, given its noise. Infinite without noise; NaN for a
 * silent truth. */
double dmx_trial_sdr(const dmx_trial *trial, size_t stem, double noise);

/* Computes noise[stem] of the separator's whole-song run. */
DMX_MUST_CHECK dmx_status dmx_trial_offline(double *noise,
                                            const dmx_trial *trial,
                                            dmx_separator *separator,
                                            const dmx_hooks *hooks,
                                            dmx_error *err);

#endif
