/* Separates songs one after another, or several concurrently. */
#include "separate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *work(void *argument)
{
    separate_run *r = argument;
    for (;;) {
        pthread_mutex_lock(&r->lock);
        const size_t index = r->next;
        const bool stop = index >= r->songs->count || cli_interrupted();
        r->next += !stop;
        r->interrupted |= cli_interrupted();
        pthread_mutex_unlock(&r->lock);
        if (stop)
            return NULL;
        separate_song(r, index);
    }
}

static void work_together(separate_run *r)
{
    pthread_t helper[64];
    size_t started = 0;
    while (started + 1 < (size_t)r->o->jobs && started + 1 < r->songs->count &&
           started < 64 && pthread_create(&helper[started], NULL, work, r) == 0)
        started++;
    work(r);
    while (started > 0)
        pthread_join(helper[--started], NULL);
}

int separate_run_songs(separate_run *r)
{
    r->fraction = calloc(r->songs->count + 1, sizeof *r->fraction);
    if (r->fraction == NULL) {
        cli_error(r->t, "no memory");
        return CLI_FAILED;
    }
    pthread_mutex_init(&r->lock, NULL);
    clock_gettime(CLOCK_MONOTONIC, &r->started);
    work_together(r);
    separate_remove_empty_folders(r);
    cli_clear_bar(r->t);
    separate_report_end(r, separate_seconds_since(&r->started));
    pthread_mutex_destroy(&r->lock);
    free(r->fraction);
    if (r->interrupted) {
        cli_error(r->t, "interrupted");
        return CLI_INTERRUPTED;
    }
    if (r->failed > 0 && r->o->results != NULL && r->retry > 0)
        return SEPARATE_RETRY;
    if (r->failed > 0)
        return r->misused == r->failed ? CLI_USAGE : CLI_FAILED;
    return CLI_DONE;
}

int separate_run_nothing(separate_run *r)
{
    cli_say(r->t, "no songs on the list");
    separate_report_end(r, 0);
    return CLI_DONE;
}

int separate_run_none(separate_run *r)
{
    for (size_t i = 0; i < r->songs->count; i++) {
        const char *song = r->songs->path[i];
        access(song, R_OK);
        separate_report_failure(r, song, DMX_ERROR_IO, strerror(errno));
        r->failed++;
    }
    separate_report_end(r, 0);
    return CLI_FAILED;
}
