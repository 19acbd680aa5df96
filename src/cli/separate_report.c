/* Progress and results, as text or as JSON lines. */
#include "precision_text.h"
#include "separate.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>

/* -------------------------------------------------------------- progress */

static double overall(const separate_run *r)
{
    double sum = 0;
    for (size_t i = 0; i < r->songs->count; i++)
        sum += r->fraction[i];
    return sum / (double)r->songs->count;
}

static void show_bar(const separate_run *r, const char *song, const char *stage,
                     double eta)
{
    char text[64], left[32] = "";
    if (eta >= 0 && eta < 360000)
        snprintf(left, sizeof left, "%d:%02d left, ", (int)eta / 60,
                 (int)eta % 60);
    snprintf(text, sizeof text, "%s%s %.24s", left, stage,
             separate_base_name(song));
    r->t->hooks.progress(r->t->hooks.user, text, overall(r));
}

static double seconds_between(const struct timespec *a,
                              const struct timespec *b)
{
    return (double)(b->tv_sec - a->tv_sec) +
           1e-9 * (double)(b->tv_nsec - a->tv_nsec);
}

void separate_report_progress(const separate_run *r, const char *song,
                              const char *stage, double fraction, double eta)
{
    struct timespec now;
    if (!r->t->json) {
        show_bar(r, song, stage, eta);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    /* five per second, and new stages at once; concurrent songs may be in
     * different stages, so that is limited as well */
    const bool known = r->stage != NULL && strcmp(r->stage, stage) == 0;
    if (seconds_between(&r->reported, &now) < (known ? 0.2 : 0.01))
        return;
    ((separate_run *)r)->reported = now;
    ((separate_run *)r)->stage = stage;
    printf("{\"event\": \"progress\", \"song\": ");
    cli_json_string(stdout, song);
    printf(", \"stage\": \"%s\", \"fraction\": %.4f", stage, fraction);
    if (eta >= 0)
        printf(", \"seconds_left\": %.1f", eta);
    printf(", \"overall\": %.4f}\n", overall(r));
    fflush(stdout);
}

/* --------------------------------------------------------------- results */

/* JSON has no infinity and no NaN. */
static void json_number(const char *key, double value)
{
    if (isfinite(value))
        printf(", \"%s\": %.9g", key, value);
    else
        printf(", \"%s\": null", key);
}

static void json_output(const separate_run *r, const separate_result *result,
                        size_t k)
{
    printf("%s{\"stem\": ", k > 0 ? ", " : "");
    cli_json_string(stdout, r->plan->output[k].name);
    printf(", \"file\": ");
    const char *file = result->file[r->plan->one_file ? 0 : k];
    cli_json_string(stdout, file != NULL ? file : "-");
    json_number("peak", result->report->peak[k]);
    json_number("scale", result->report->scale[k]);
    printf(", \"clipped\": %lld", (long long)result->report->clipped[k]);
    if (result->sdr != NULL)
        json_number("sdr", result->sdr[k]);
    printf("}");
}

static void json_song(const separate_run *r, const separate_result *result)
{
    const dmx_song_report *s = result->report;
    const double length = (double)s->frames / s->rate;
    printf("{\"event\": \"song\", \"song\": ");
    cli_json_string(stdout, result->song);
    printf(", \"samplerate\": %d, \"channels\": %d, \"frames\": %lld", s->rate,
           s->channels, (long long)s->frames);
    json_number("length_seconds", length);
    json_number("seconds", result->seconds);
    json_number("real_time_factor", result->seconds / length);
    printf(", \"nonfinite\": %lld, \"out_samplerate\": %d, "
           "\"out_channels\": %d, \"out_frames\": %lld, \"mix_clipped\": %lld, "
           "\"files\": [",
           (long long)s->nonfinite, s->out_rate, s->out_channels,
           (long long)s->out_frames, (long long)s->mix_clipped);
    for (size_t k = 0; k < r->plan->outputs; k++)
        json_output(r, result, k);
    printf("]}\n");
    fflush(stdout);
}

void separate_report_precision(const separate_run *r)
{
    char *json = dmx_separator_precision_json(r->separator);
    if (r->t->json && json != NULL) {
        printf("{\"event\": \"precision\", \"models\": %s}\n", json);
        fflush(stdout);
    }
    cli_tell_precision(r->t, json);
    dmx_free(json);
}

static void text_output(const separate_run *r, const separate_result *result,
                        size_t k)
{
    const dmx_song_report *s = result->report;
    if (result->file[k] == NULL)
        return;
    char sdr[64] = "";
    if (result->sdr != NULL)
        snprintf(sdr, sizeof sdr, "\tSDR %.2f dB", result->sdr[k]);
    cli_print_path(r->t, result->file[k], sdr);
    if (s->scale[k] < 1)
        cli_detail(r->t, "  peak %.3f, rescaled by %.3f", s->peak[k],
                   s->scale[k]);
    else
        cli_detail(r->t, "  peak %.3f", s->peak[k]);
    if (s->clipped[k] > 0)
        cli_warn(r->t, "%s: %lld samples cut off at full scale",
                 result->file[k], (long long)s->clipped[k]);
}

void separate_report_song(const separate_run *r, const separate_result *result)
{
    const dmx_song_report *s = result->report;
    if (r->t->json) {
        json_song(r, result);
        return;
    }
    const double length = (double)s->frames / s->rate;
    cli_say(r->t, "%s: %d:%04.1f separated in %.1f s (%.1f times real time)",
            result->song, (int)(length / 60), fmod(length, 60), result->seconds,
            length / result->seconds);
    for (size_t k = 0; k < separate_plan_files(r->plan); k++)
        text_output(r, result, k);
}

void separate_report_failure(const separate_run *r, const char *song,
                             dmx_status status, const char *message)
{
    const bool named = strstr(message, song) != NULL;
    cli_error(r->t, "%s%s%s", named ? "" : song, named ? "" : ": ", message);
    if (!r->t->json)
        return;
    printf("{\"event\": \"error\", \"song\": ");
    cli_json_string(stdout, song);
    printf(", \"error\": \"%s\", \"message\": ", dmx_status_name(status));
    cli_json_message(stdout, message);
    printf("}\n");
    fflush(stdout);
}

/* The most memory that this process has used so far, in bytes. */
static double peak_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1024.0 * (double)usage.ru_maxrss;
}

void separate_report_end(separate_run *r, double seconds)
{
    r->ended = true;
    if (r->t->json) {
        printf("{\"event\": \"end\", \"songs\": %zu, \"separated\": %zu, "
               "\"failed\": %zu, \"skipped\": %zu",
               r->songs->count, r->separated, r->failed, r->skipped);
        json_number("seconds", seconds);
        json_number("audio_seconds", r->audio_seconds);
        json_number("peak_memory_bytes", peak_memory());
        printf(", \"interrupted\": %s}\n", r->interrupted ? "true" : "false");
        return;
    }
    if (r->failed > 0 && r->songs->count > 1)
        cli_error(r->t, "%zu of %zu songs failed", r->failed, r->songs->count);
}
