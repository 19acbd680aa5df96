/* A fixture: a checkpoint, and the original's stems for one mixture. */
#ifndef DMX_GOLDEN_H
#define DMX_GOLDEN_H

#include "test_support.h"

#include "arch/arch.h"

/* A recording and its checkpoint: files in tests/data/<folder>. */
typedef struct golden_case {
    const char *folder, *file;
    const char *weights; /* of a training checkpoint, or NULL */
    const char *config;  /* file of arguments, or NULL */
    const char *stems;   /* file, perhaps of the first samples only */
    const char *const *set;
    int64_t first; /* the recording is of so many samples of the mixture alone;
                      0: of all */
} golden_case;

typedef struct golden {
    const char *name;
    dmx_checkpoint *checkpoint;
    dmx_model *model;
    dmx_graph *graph; /* for the length of the run */
    double *mix;      /* [channels][run_samples], padded with zeros */
    double *out;      /* [rows of all][run_samples] */
    float *stems;     /* [rows][recorded]: the recording */
    int64_t channels, rows, samples, run_samples, recorded; /* rows: recorded,
                                               perhaps the first sources only */
    double peak; /* of the recording */
} golden;

/* Names of all fixtures of one model each; NULL past the end. */
const char *golden_fixture(size_t index);

/* Also a path to one, relative to tests/data. */
void golden_open(golden *g, const char *name);

/* Recordings of the related classes ("family/demucs_mdx"), which take any
 * length: one for each. */
const golden_case *golden_family(size_t index);
void golden_open_case(golden *g, const golden_case *c);
void golden_close(golden *g);

/* Runs the graph through the float64 reference: the largest difference from
 * the recording, relative to its peak. */
double golden_error(golden *g);
/* The mixture as float32, [channels][run_samples]; malloc'd. */
float *golden_mix(const golden *g);
/* The largest difference of these stems [sources][channels][run_samples] from
 * the recording, relative to its peak. */
double golden_distance(const golden *g, const float *stems);
/* The signal-to-noise ratio of the worst source of b, where all of a, which has
 * its shape, is the signal; dB. */
double golden_snr(const golden *g, const float *a, const float *b);

#endif
