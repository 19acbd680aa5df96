/* --results: a line for each song, appended in one piece. */
#include "separate_results.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

off_t separate_bytes_of(const char *path)
{
    struct stat st;
    return path != NULL && stat(path, &st) == 0 ? st.st_size : -1;
}

/* ------------------------------------------------------------------ lines */

/* One write, so that lines of several processes do not mix on a local disk,
 * and on the disk before the song counts as done. A line that a crash cut off
 * before is ended first. */
static dmx_status append(int fd, const char *line, size_t size, dmx_error *err)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t n = write(fd, line + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return dmx_error_set(err, DMX_ERROR_IO, "--results: %s",
                                 strerror(n < 0 ? errno : ENOSPC));
        done += (size_t)n;
    }
    fdatasync(fd); /* a pipe or a device has nothing to be synced */
    return DMX_OK;
}

static dmx_status append_stream(int fd, FILE *out, char **line, size_t *size,
                                dmx_error *err)
{
    fputs("}\n", out);
    if (fclose(out) != 0)
        return dmx_error_set(err, DMX_ERROR_MEMORY, "no memory");
    const dmx_status status = append(fd, *line, *size, err);
    free(*line);
    return status;
}

static void put_number(FILE *out, const char *key, double value)
{
    if (isfinite(value))
        fprintf(out, ", \"%s\": %.9g", key, value);
    else
        fprintf(out, ", \"%s\": null", key);
}

/* {"song": ..., "key": ... */
static void put_song(FILE *out, const char *song)
{
    fputs("{\"song\": ", out);
    cli_json_string(out, song);
    fprintf(out, ", \"key\": \"%016" PRIx64 "\"", separate_hash(song));
}

/* Where and when. */
static void put_place(FILE *out, const separate_run *r)
{
    char host[256] = "", stamp[32] = "";
    const time_t now = time(NULL);
    struct tm utc;
    gethostname(host, sizeof host - 1);
    if (gmtime_r(&now, &utc) != NULL)
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (r->o->shard != NULL)
        fprintf(out, ", \"shard\": \"%s\"", r->o->shard);
    fputs(", \"model\": ", out);
    cli_json_string(out, r->model);
    fputs(", \"host\": ", out);
    cli_json_string(out, host);
    fprintf(out, ", \"finished\": \"%s\"", stamp);
}

/* , "bytes": ..., "sha256": ... of a file; null of a stream. */
static dmx_status put_file(FILE *out, const char *path, dmx_error *err)
{
    char hash[65];
    if (path == NULL || strcmp(path, "-") == 0) {
        fputs(", \"bytes\": null, \"sha256\": null", out);
        return DMX_OK;
    }
    const off_t bytes = separate_bytes_of(path);
    const dmx_status status = dmx_file_sha256(hash, path, NULL, err);
    if (status == DMX_OK)
        fprintf(out, ", \"bytes\": %lld, \"sha256\": \"%s\"", (long long)bytes,
                hash);
    return status;
}

static void put_figures(FILE *out, const separate_result *result)
{
    const dmx_song_report *s = result->report;
    const double length = (double)s->frames / s->rate;
    fprintf(out, ", \"samplerate\": %d, \"channels\": %d, \"frames\": %lld",
            s->rate, s->channels, (long long)s->frames);
    put_number(out, "length_seconds", length);
    put_number(out, "seconds", result->seconds);
    put_number(out, "real_time_factor", result->seconds / length);
    fprintf(out, ", \"nonfinite\": %lld", (long long)s->nonfinite);
}

static dmx_status put_output(FILE *out, const separate_run *r,
                             const separate_result *result, size_t k,
                             dmx_error *err)
{
    const char *path = result->file[k];
    fprintf(out, "%s{\"stem\": ", k > 0 ? ", " : "");
    cli_json_string(out, r->plan->one_file ? "all" : r->plan->output[k].name);
    fputs(", \"file\": ", out);
    cli_json_string(out, path != NULL ? path : "-");
    const dmx_status status = put_file(out, path, err);
    if (result->report != NULL) {
        put_number(out, "peak", result->report->peak[k]);
        put_number(out, "scale", result->report->scale[k]);
        fprintf(out, ", \"clipped\": %lld",
                (long long)result->report->clipped[k]);
    }
    if (result->sdr != NULL)
        put_number(out, "sdr", result->sdr[k]);
    fputc('}', out);
    return status;
}

/* ---------------------------------------------------------------- results */

dmx_status separate_results_begin(separate_run *r, const char *song,
                                  char *const *file, size_t files,
                                  dmx_error *err)
{
    if (r->results == NULL || r->results->begun < 0)
        return DMX_OK;
    char *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL)
        return dmx_error_set(err, DMX_ERROR_MEMORY, "no memory");
    put_song(out, song);
    fputs(", \"files\": [", out);
    for (size_t k = 0; k < files; k++) {
        fputs(k > 0 ? ", " : "", out);
        cli_json_string(out, file[k] != NULL ? file[k] : "-");
    }
    fputc(']', out);
    return append_stream(r->results->begun, out, &line, &size, err);
}

dmx_status separate_results_done(separate_run *r, const separate_result *result,
                                 dmx_error *err)
{
    if (r->results == NULL || r->results->fd < 0)
        return DMX_OK;
    char *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL)
        return dmx_error_set(err, DMX_ERROR_MEMORY, "no memory");
    put_song(out, result->song);
    fputs(", \"state\": \"done\"", out);
    dmx_status status = put_file(out, result->song, err);
    put_place(out, r);
    if (result->report != NULL)
        put_figures(out, result);
    else
        fputs(", \"recovered\": true", out);
    fputs(", \"files\": [", out);
    for (size_t k = 0; status == DMX_OK && k < separate_plan_files(r->plan);
         k++)
        status = put_output(out, r, result, k, err);
    fputc(']', out);
    if (status == DMX_OK)
        return append_stream(r->results->fd, out, &line, &size, err);
    fclose(out);
    free(line);
    return status;
}

void separate_results_failed(separate_run *r, const char *song,
                             dmx_status status, bool retry, bool begun,
                             const char *message)
{
    if (r->results == NULL || r->results->fd < 0)
        return;
    dmx_error err = DMX_ERROR_INIT;
    char *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL)
        return;
    put_song(out, song);
    fprintf(out,
            ", \"state\": \"failed\", \"error\": \"%s\", "
            "\"retry\": %s, \"begun\": %s, \"message\": ",
            dmx_status_name(status), retry ? "true" : "false",
            begun ? "true" : "false");
    cli_json_string(out, message);
    const off_t bytes = separate_bytes_of(song);
    if (bytes >= 0)
        fprintf(out, ", \"bytes\": %lld", (long long)bytes);
    else
        fputs(", \"bytes\": null", out);
    put_place(out, r);
    if (append_stream(r->results->fd, out, &line, &size, &err) != DMX_OK)
        cli_error(r->t, "%s", err.message);
}

/* ------------------------------------------------------------- what was */

static bool same_files(const prior *p, char *const *file, size_t files)
{
    bool same = p->files == files;
    for (size_t k = 0; same && k < files; k++) {
        char *shown = separate_shown(file[k] != NULL ? file[k] : "-");
        same = shown != NULL && separate_bytes_of(file[k]) == p->size[k] &&
               (strcmp(shown, p->name[k]) == 0 ||
                cli_same_file(file[k], p->name[k]));
        free(shown);
    }
    return same;
}

prior_state separate_results_ask(const separate_run *r, size_t song,
                                 char *const *file, size_t files,
                                 char **message)
{
    if (r->results == NULL || r->results->prior == NULL)
        return PRIOR_NONE;
    const prior *p = &r->results->prior[song];
    *message = p->message;
    if (p->state != PRIOR_NONE &&
        separate_bytes_of(r->songs->path[song]) == p->bytes &&
        (p->state == PRIOR_REFUSED || same_files(p, file, files)))
        return p->state;
    return p->begun > p->ended ? PRIOR_BEGUN : PRIOR_NONE;
}

/* ---------------------------------------------------------- open and close */

char *separate_begun_name(const char *results)
{
    char *name = malloc(strlen(results) + sizeof ".begun");
    if (name != NULL)
        sprintf(name, "%s.begun", results);
    return name;
}

static bool read_one(separate_run *r, const char *path)
{
    char *begun = separate_begun_name(path);
    const bool good = begun != NULL && separate_resume_read(r, path, false) &&
                      separate_resume_read(r, begun, true);
    if (!good)
        cli_error(r->t, "--resume: %s: %s", path, strerror(errno));
    free(begun);
    return good;
}

/* One process at a time: a task that was started again while its first process
 * still runs must not take up what that one has begun. */
static int lock(separate_run *r)
{
    if (flock(r->results->begun, LOCK_EX | LOCK_NB) == 0 ||
        errno != EWOULDBLOCK) /* a file system without locks */
        return CLI_DONE;
    cli_error(r->t,
              "--results: %s: another process is writing it; every process "
              "needs its own",
              r->o->results);
    return SEPARATE_RETRY;
}

static int open_new(separate_run *r)
{
    const char *path = r->o->results;
    char *begun = separate_begun_name(path);
    if (!separate_is_results(path) ||
        (begun != NULL && !separate_is_results(begun))) {
        free(begun);
        return cli_misuse(r->t, "separate",
                          "--results: %s holds something else than results, to "
                          "which lines would be appended; name another file",
                          path);
    }
    r->results->fd = separate_open_to_append(path);
    const bool alone =
        r->results->fd >= 0 && separate_is_stream(r->results->fd);
    if (begun != NULL && r->results->fd >= 0 && !alone)
        r->results->begun = separate_open_to_append(begun);
    free(begun);
    if (alone)
        return CLI_DONE;
    if (r->results->begun >= 0)
        return lock(r);
    cli_error(r->t, "--results: %s: %s", path, strerror(errno));
    return CLI_FAILED;
}

int separate_results_open(separate_run *r)
{
    const cli_list *resume = &r->o->resume;
    if (r->o->results == NULL && resume->count == 0)
        return CLI_DONE;
    r->results = malloc(sizeof *r->results);
    if (r->results == NULL)
        return CLI_FAILED;
    *r->results = (separate_results){-1, -1, NULL};
    const int code = r->o->results != NULL ? open_new(r) : CLI_DONE;
    if (code != CLI_DONE || resume->count == 0)
        return code;
    r->results->prior = calloc(r->songs->count + 1, sizeof(prior));
    bool good = r->results->prior != NULL;
    for (size_t i = 0; good && i < resume->count; i++)
        good = read_one(r, resume->item[i]);
    return good ? CLI_DONE : CLI_FAILED;
}

void separate_results_close(separate_run *r)
{
    separate_results *s = r->results;
    if (s == NULL)
        return;
    for (size_t i = 0; s->prior != NULL && i < r->songs->count; i++)
        separate_prior_free(&s->prior[i]);
    free(s->prior);
    if (s->fd >= 0)
        close(s->fd);
    if (s->begun >= 0)
        close(s->begun);
    free(s);
    r->results = NULL;
}
