/* Results files (--resume), asked about three songs. */
#include "fuzz_file.h"

#include "fuzz_open.h"

#include "cli/separate_results.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SONGS = 3 };

static void check(const prior *p)
{
    if (p->state == PRIOR_BEGUN || p->begun < 0 || p->ended < 0 ||
        (p->state != PRIOR_DONE && p->files != 0) ||
        (p->state == PRIOR_REFUSED && p->message == NULL))
        abort();
    for (size_t i = 0; i < p->files; i++)
        if (p->name[i] == NULL || p->size[i] < -1)
            abort();
}

static void read_results(const char *path)
{
    char *song[SONGS] = {"a.wav", "music/b.flac", "\xff.mp3"};
    prior said[SONGS] = {0};
    cli_terminal t = {.quiet = 1};
    separate_songs songs = {.path = song, .count = SONGS};
    separate_results results = {.fd = -1, .begun = -1, .prior = said};
    separate_run run = {.t = &t, .songs = &songs, .results = &results};
    if (!separate_resume_read(&run, path, false) ||
        !separate_resume_read(&run, path, true))
        abort();
    for (size_t i = 0; i < SONGS; i++) {
        check(&said[i]);
        separate_prior_free(&said[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const int fd = fuzz_file(path, data, size);
    read_results(path);
    close(fd);
    return 0;
}
