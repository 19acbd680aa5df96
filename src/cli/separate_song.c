/* One song of a run. */
#include "separate_results.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The state of separating one song. */
typedef struct job {
    separate_run *run;
    size_t index;
    const char *song;
    dmx_hooks hooks;
    dmx_song_output output[DMX_SONG_OUTPUTS];
    char *file[DMX_SONG_OUTPUTS]; /* NULL: standard output */
    char *plot;
    struct timespec started, separating;
    bool is_separating;
    bool
        ours; /* existing outputs are from an earlier run that did not finish */
    bool begun;   /* recorded in the results */
    bool settled; /* another attempt would fail in the same way */
} job;

double separate_seconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) +
           1e-9 * (double)(now.tv_nsec - then->tv_nsec);
}

/* ----------------------------------------------------------------- hooks */

static void on_warn(void *user, const char *message)
{
    const job *j = user;
    pthread_mutex_lock(&j->run->lock);
    cli_warn(j->run->t, "%s: %s", j->song, message);
    pthread_mutex_unlock(&j->run->lock);
}

static void on_detail(void *user, const char *message)
{
    const job *j = user;
    pthread_mutex_lock(&j->run->lock);
    cli_detail(j->run->t, "%s: %s", j->song, message);
    pthread_mutex_unlock(&j->run->lock);
}

/* Estimated seconds left for this song; negative while unknown. */
static double time_left(job *j, const char *stage, double fraction)
{
    if (strcmp(stage, "separate") != 0)
        return -1;
    if (!j->is_separating) {
        j->is_separating = true;
        clock_gettime(CLOCK_MONOTONIC, &j->separating);
    }
    const double spent = separate_seconds_since(&j->separating);
    return fraction > 0.005 && spent > 0.5 ? spent * (1 - fraction) / fraction
                                           : -1;
}

/* The first pass is quick; nearly all of a song's time is separation. */
static double of_song(const char *stage, double fraction)
{
    if (strcmp(stage, "measure") == 0)
        return 0.02 * fraction;
    return strcmp(stage, "separate") == 0 ? 0.02 + 0.96 * fraction
                                          : 0.98 + 0.02 * fraction;
}

static int on_progress(void *user, const char *stage, double fraction)
{
    job *j = user;
    separate_run *r = j->run;
    pthread_mutex_lock(&r->lock);
    r->fraction[j->index] = of_song(stage, fraction);
    separate_report_progress(r, j->song, stage, fraction,
                             time_left(j, stage, fraction));
    pthread_mutex_unlock(&r->lock);
    return cli_interrupted();
}

/* ----------------------------------------------------------------- files */

static bool exists(const char *path)
{
    struct stat st;
    return path != NULL && lstat(path, &st) == 0;
}

static dmx_status fail(dmx_error *err, dmx_status code, const char *what,
                       const char *path, const char *more)
{
    err->code = code;
    snprintf(err->message, sizeof err->message, "%s%s%s", path, what, more);
    return code;
}

static dmx_status check_file(job *j, const char *file, dmx_error *err)
{
    separate_run *r = j->run;
    j->settled =
        exists(file) && !r->o->overwrite && !r->o->skip_existing && !j->ours;
    if (j->settled)
        return fail(err, DMX_ERROR_IO,
                    ": exists; --overwrite replaces it, --skip-existing leaves "
                    "such songs out",
                    file, "");
    const int problem = separate_make_folders(r, file);
    if (problem != 0)
        return fail(err, DMX_ERROR_IO, ": can't create its folder: ", file,
                    strerror(problem));
    return DMX_OK;
}

static dmx_status name_files(job *j, dmx_error *err)
{
    const separate_run *r = j->run;
    for (size_t k = 0; k < r->plan->outputs; k++) {
        const separate_output *out = &r->plan->output[k];
        if (r->o->to_stdout == NULL && k < separate_plan_files(r->plan)) {
            j->file[k] = separate_file_path(r, j->index, out->name);
            if (j->file[k] == NULL)
                return fail(err, DMX_ERROR_MEMORY, ": no memory", j->song, "");
        }
        j->output[k] =
            (dmx_song_output){out->name, j->file[r->plan->one_file ? 0 : k],
                              out->gain, out->mix_gain};
    }
    if (r->o->plot != NULL) {
        j->plot = separate_plot_path(r, j->index);
        if (j->plot == NULL)
            return fail(err, DMX_ERROR_MEMORY, ": no memory", j->song, "");
    }
    return DMX_OK;
}

/* Whether all files exist already. */
static bool is_done(const job *j)
{
    for (size_t k = 0; k < separate_plan_files(j->run->plan); k++)
        if (!exists(j->file[k]))
            return false;
    return true;
}

/* ------------------------------------------------------------------ song */

static dmx_song_options song_options(const job *j)
{
    const separate_run *r = j->run;
    dmx_song_options s = DMX_SONG_OPTIONS_INIT;
    s.hooks = &j->hooks;
    s.output = j->output;
    s.outputs = r->plan->outputs;
    s.raw = r->o->raw;
    s.stream = (int)r->o->stream;
    s.format = r->plan->format;
    s.bits = r->plan->bits;
    s.bitrate = (int)r->o->bitrate;
    s.rate = (int)r->o->samplerate;
    s.mono = r->o->mono;
    s.dither = r->o->dither;
    s.exact_sum = r->o->exact_sum;
    s.clip = r->plan->clip;
    s.plot = j->plot;
    return s;
}

static dmx_status compare(const job *j, double *sdr, dmx_error *err)
{
    const separate_run *r = j->run;
    for (size_t k = 0; k < r->plan->outputs; k++) {
        char *truth = separate_truth_path(r, j->index, r->plan->output[k].name);
        const dmx_status status =
            truth != NULL ? dmx_sound_sdr(&sdr[k], truth, j->file[k], err)
                          : fail(err, DMX_ERROR_MEMORY, "no memory", "", "");
        free(truth);
        if (status != DMX_OK)
            return status;
    }
    return DMX_OK;
}

/* Records the files to be written in the results. */
static dmx_status begin(job *j, dmx_error *err)
{
    char *file[DMX_SONG_OUTPUTS + 1];
    size_t files = 0;
    for (; files < separate_plan_files(j->run->plan); files++)
        file[files] = j->file[files];
    if (j->plot != NULL)
        file[files++] = j->plot;
    const dmx_status status =
        separate_results_begin(j->run, j->song, file, files, err);
    j->begun = status == DMX_OK;
    return status;
}

/* Handles a killed run that had written every file but not recorded it. */
static dmx_status recover(job *j, dmx_error *err)
{
    const separate_result result = {j->song, j->file, NULL, NULL, 0};
    const dmx_status status = separate_results_done(j->run, &result, err);
    if (status != DMX_OK)
        return status;
    pthread_mutex_lock(&j->run->lock);
    j->run->skipped++;
    cli_say(j->run->t, "%s: its stems are there, of a run that was killed",
            j->song);
    pthread_mutex_unlock(&j->run->lock);
    return DMX_OK;
}

static dmx_status separate(job *j, dmx_error *err)
{
    separate_run *r = j->run;
    dmx_song_report report = DMX_SONG_REPORT_INIT;
    double sdr[DMX_SONG_OUTPUTS];
    const dmx_song_options options = song_options(j);
    dmx_status status = DMX_OK;
    for (size_t k = 0; status == DMX_OK && k < r->plan->outputs; k++)
        if (j->file[k] != NULL)
            status = check_file(j, j->file[k], err);
    if (status == DMX_OK && j->plot != NULL)
        status = check_file(j, j->plot, err);
    if (status == DMX_OK)
        status = begin(j, err);
    if (status == DMX_OK)
        status =
            dmx_separate_song(r->separator, j->song, &options, &report, err);
    if (status == DMX_OK && r->o->compare != NULL)
        status = compare(j, sdr, err);
    if (status != DMX_OK)
        return status;
    const separate_result result = {j->song, j->file, &report,
                                    r->o->compare != NULL ? sdr : NULL,
                                    separate_seconds_since(&j->started)};
    status = separate_results_done(r, &result, err);
    if (status != DMX_OK)
        return status;
    pthread_mutex_lock(&r->lock);
    r->audio_seconds += (double)report.frames / report.rate;
    r->separated++;
    separate_report_song(r, &result);
    pthread_mutex_unlock(&r->lock);
    return DMX_OK;
}

bool separate_may_retry(dmx_status status)
{
    return status == DMX_ERROR_IO || status == DMX_ERROR_MEMORY ||
           status == DMX_ERROR_NETWORK || status == DMX_ERROR_RUNTIME;
}

/* A missing song stays missing; a disk or a network may come back. */
static bool is_missing(const char *song)
{
    return strcmp(song, "-") != 0 && access(song, R_OK) != 0 &&
           (errno == ENOENT || errno == ENOTDIR || errno == EACCES);
}

static void note_failure(job *j, dmx_status status, const dmx_error *err)
{
    separate_run *r = j->run;
    const bool retry =
        separate_may_retry(status) && !j->settled && !is_missing(j->song);
    pthread_mutex_lock(&r->lock);
    if (status == DMX_ERROR_CANCELLED && cli_interrupted()) {
        r->interrupted = 1;
    } else {
        r->failed++;
        r->misused += status == DMX_ERROR_ARGUMENT;
        r->retry += retry;
        separate_results_failed(r, j->song, status, retry, j->begun,
                                err->message);
        separate_report_failure(r, j->song, status, err->message);
    }
    pthread_mutex_unlock(&r->lock);
}

/* Whether an earlier run has settled the song, so that there is nothing to do.
 */
static bool is_settled(job *j)
{
    separate_run *r = j->run;
    char *message = NULL;
    const prior_state state = separate_results_ask(
        r, j->index, j->file, separate_plan_files(r->plan), &message);
    j->ours = state == PRIOR_BEGUN;
    pthread_mutex_lock(&r->lock);
    if (state == PRIOR_DONE) {
        r->skipped++;
        cli_say(r->t, "%s: done already", j->song);
    } else if (state == PRIOR_REFUSED) {
        r->failed++;
        cli_error(r->t, "%s: failed already: %s", j->song, message);
    }
    pthread_mutex_unlock(&r->lock);
    return state == PRIOR_DONE || state == PRIOR_REFUSED;
}

static void skip(job *j)
{
    pthread_mutex_lock(&j->run->lock);
    j->run->skipped++;
    cli_say(j->run->t, "%s: skipped, its stems exist", j->song);
    pthread_mutex_unlock(&j->run->lock);
}

static dmx_status run_new(job *j, dmx_error *err)
{
    const separate_options *o = j->run->o;
    const bool done =
        (o->skip_existing || (j->ours && !o->overwrite)) && is_done(j);
    if (!done)
        return separate(j, err);
    if (j->ours && (j->plot == NULL || exists(j->plot)))
        return recover(j, err);
    if (j->ours)
        return separate(j, err);
    skip(j);
    return DMX_OK;
}

void separate_song(separate_run *r, size_t index)
{
    dmx_error err = DMX_ERROR_INIT;
    job j = {.run = r, .index = index, .song = r->songs->path[index]};
    j.hooks = (dmx_hooks){.size = sizeof j.hooks,
                          .user = &j,
                          .warn = on_warn,
                          .progress = on_progress,
                          .detail = on_detail};
    clock_gettime(CLOCK_MONOTONIC, &j.started);
    dmx_status status = name_files(&j, &err);
    if (status == DMX_OK && !is_settled(&j))
        status = run_new(&j, &err);
    if (status != DMX_OK)
        note_failure(&j, status, &err);
    pthread_mutex_lock(&r->lock);
    r->fraction[index] = 1;
    pthread_mutex_unlock(&r->lock);
    for (size_t k = 0; k < r->plan->outputs; k++)
        free(j.file[k]);
    free(j.plot);
}
