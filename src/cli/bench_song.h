/* `bench --song`: whole songs, in one process or several at once. */
#ifndef DMX_CLI_BENCH_SONG_H
#define DMX_CLI_BENCH_SONG_H

#include "model_options.h"

typedef struct bench_song {
    const char *checkpoint;
    const cli_model_options *model;
    double seconds;    /* of the song */
    int64_t processes; /* 0: one */
    int64_t threads;   /* of each; 0: all cores, shared out among them */
} bench_song;

/* Measures and prints; returns an exit code. */
int cli_bench_song(cli_terminal *t, const bench_song *song);

#endif
