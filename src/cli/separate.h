/* The parts of `demucs-onnx separate`. */
#ifndef DMX_CLI_SEPARATE_H
#define DMX_CLI_SEPARATE_H

#include "command.h"
#include "files.h"
#include "hub_options.h"
#include "model_options.h"

#include <pthread.h>

typedef struct separate_options {
    cli_model_options model;
    const char *name; /* --model, --name: a file or a released model */
    cli_hub_options hub;
    const char *engine;
    const char *precision;
    const char *onnxruntime;
    const char *providers;
    int64_t threads, jobs, batch;
    double overlap, segment, transition_power;
    int64_t shifts, seed;
    const char *folder, *filename, *plot, *compare;
    const char *stem, *stems, *two_stems, *other_method, *to_stdout;
    cli_list mix_stems;
    int karaoke, exact_sum;
    int wav, flac, mp3, ogg, opus, m4a, stem_mp4;
    int int24, float32, dither;
    int64_t bitrate, samplerate;
    const char *clip_mode, *raw;
    int64_t stream;
    int mono, overwrite, skip_existing;
    const char *files_from, *shard, *results;
    cli_list resume;
    int balance;
} separate_options;

extern const cli_option cli_separate_options[];
extern const separate_options cli_separate_defaults;

/* -------------------------------------------------------------- what to do */

/* A file to write: a sum of stems. */
typedef struct separate_output {
    char *name;   /* "vocals" */
    double *gain; /* [stems] */
    double mix_gain;
} separate_output;

typedef struct separate_plan {
    const separate_options *o;
    const char *format; /* "wav" */
    int bits;
    dmx_clip clip;
    const char **stems;   /* passed to the separator; NULL: see without */
    const char **without; /* both NULL: all */
    dmx_bag *bag;         /* the model's, which knows other names of stems */
    separate_output output[DMX_SONG_OUTPUTS];
    size_t outputs;
    bool one_file;        /* --stem-mp4: outputs are its tracks */
    const char *filename; /* the template */
} separate_plan;

/* The number of stem files per song. */
size_t separate_plan_files(const separate_plan *plan);

/* Checks the options against each other: CLI_DONE, or CLI_USAGE after a
 * message. Free with separate_plan_free. */
int separate_plan_init(separate_plan *plan, cli_terminal *t,
                       const separate_options *o);
/* Once the model is open: determines the files and the stems they are made of.
 */
int separate_plan_outputs(separate_plan *plan, cli_terminal *t,
                          const dmx_separator *separator);
void separate_plan_free(separate_plan *plan);

/* Add an output to a plan: an empty one; a stem; a sum of stems "a,b", named
 * "a+b". NULL or false when out of memory, or when there are too many. */
separate_output *separate_plan_add(separate_plan *plan,
                                   const dmx_separator *separator,
                                   const char *prefix, const char *name);
bool separate_plan_add_stem(separate_plan *plan, const dmx_separator *separator,
                            size_t stem);
bool separate_plan_add_mix(separate_plan *plan, const dmx_separator *separator,
                           const char *text);
/* Whether `name` is a source of the model; and the message when it is not. */
bool separate_plan_knows(const dmx_separator *separator, const char *name);
int separate_plan_no_such_stem(cli_terminal *t, const dmx_separator *separator,
                               const char *name);

/* --stem-mp4: its options, and its tracks. */
int separate_stem_file_check(cli_terminal *t, const separate_options *o);
int separate_stem_file_outputs(separate_plan *plan, cli_terminal *t,
                               const dmx_separator *separator);
bool separate_is_stem_file(const char *path);

/* ----------------------------------------------------------------- songs */

typedef struct separate_songs {
    char **path;
    size_t *below; /* offset at which the path continues below the given folder;
                      0: a file operand */
    bool *mine;    /* in this shard; NULL: all are */
    size_t count, capacity;
    int unreadable; /* folders, each reported */
} separate_songs;

/* The operands, folders replaced by the sound files below them. Each folder is
 * entered once; `stems`, the folder to write to, is not, unless it is one of
 * the operands. */
int separate_songs_find(separate_songs *songs, cli_terminal *t, int n,
                        char **operand, const char *stems);
/* The same for the lines of a file, or "-": standard input. */
int separate_songs_list(separate_songs *songs, cli_terminal *t,
                        const char *list, const char *stems);
/* Whether any song could be opened. */
bool separate_songs_any(const separate_songs *songs);
/* Marks a song as skipped; close_gaps removes the marked ones. */
void separate_songs_leave_out(separate_songs *songs, size_t index);
void separate_songs_close_gaps(separate_songs *songs);
void separate_songs_free(separate_songs *songs);

/* ----------------------------------------------------------------- names */

/* NULL when a template is well-formed, else what is wrong with it, for a
 * message. */
const char *separate_template_problem(const char *text);

/* The values of a template's variables. */
typedef struct separate_names {
    const char *song; /* its path */
    size_t below;     /* as in separate_songs */
    const char *stem, *ext, *model;
} separate_names;

/* `text` with its variables replaced by names that are safe as parts of a
 * path; malloc'd, NULL when memory is short. */
char *separate_expand(const char *text, const separate_names *names);

/* "x/song.flac" -> "song.flac". */
const char *separate_base_name(const char *path);

/* ------------------------------------------------------------------ runs */

/* The state shared by all songs of one call. */
typedef struct separate_run {
    cli_terminal *t;
    const separate_options *o;
    const separate_plan *plan;
    dmx_separator *separator;
    separate_songs *songs;
    char *model;          /* for {model} */
    cli_files inputs;     /* every file that the run reads */
    pthread_mutex_t lock; /* of everything below, and of the terminal */
    size_t next;          /* song to be started */
    size_t separated, failed, skipped;
    double *fraction; /* [songs] progress of each */
    double audio_seconds;
    struct timespec started, reported;
    const char *stage; /* of the last report; a constant of the library */
    int interrupted;
    bool ended;     /* the event "end" has been printed */
    size_t misused; /* songs that failed because of wrong options */
    size_t retry;   /* songs that failed, but may succeed in another run */
    struct separate_results *results; /* NULL without --results and --resume */
    char **made; /* created folders, in order of creation */
    size_t n_made, made_capacity;
} separate_run;

/* ------------------------------------------------------------------ files */

/* The file of a stem of a song, or its plot; malloc'd, NULL when memory is
 * short. */
char *separate_file_path(const separate_run *run, size_t song,
                         const char *stem);
char *separate_plot_path(const separate_run *run, size_t song);
/* The path of an existing file to compare with. */
char *separate_truth_path(const separate_run *run, size_t song,
                          const char *stem);

/* Before the first song is opened: skips songs that are stems of others, and
 * refuses output names that collide with each other or with an input. */
int separate_files_check(separate_run *run);

/* Makes the folders of a file; 0 or an errno. Those that did not exist are
 * remembered and, at the end of the run, removed where they are empty. */
int separate_make_folders(separate_run *run, const char *path);
void separate_remove_empty_folders(separate_run *run);

/* ------------------------------------------------------- many processes */

/* A hash of a name, the same everywhere. */
uint64_t separate_hash(const char *text);
/* Parses --shard into {index, count}; {0, 1} without it. CLI_DONE, or a message
 * and CLI_USAGE. */
int separate_shard_parse(long shard[2], cli_terminal *t,
                         const separate_options *o);
/* Determines which songs belong to this shard; keep then drops the others. */
int separate_shard_choose(separate_run *run);
void separate_shard_keep(separate_run *run);

/* Exit code of a run with --results that may succeed when repeated (EX_TEMPFAIL
 * of sysexits.h). */
enum { SEPARATE_RETRY = 75 };
bool separate_may_retry(dmx_status status);

/* Reads the file of --resume and opens that of --results. */
int separate_results_open(separate_run *run);
/* The file beside RESULTS that tells what was begun, malloc'd. */
char *separate_begun_name(const char *results);
void separate_results_close(separate_run *run);

/* Separates one song, from any thread; its outcome is recorded in the run. */
void separate_song(separate_run *run, size_t index);
double separate_seconds_since(const struct timespec *then);

/* Separates all songs; returns an exit code. */
int separate_run_songs(separate_run *run);
/* Reports that the list is empty. */
int separate_run_nothing(separate_run *run);
/* Reports for every song why it can't be opened, before any model is loaded. */
int separate_run_none(separate_run *run);

/* Prints one song's result, as text or JSON. */
typedef struct separate_result {
    const char *song;
    char *const *file; /* of the plan; NULL entries: standard output */
    const dmx_song_report *report;
    const double *sdr; /* [outputs], or NULL */
    double seconds;
} separate_result;

/* Reports the outcome of --precision: with -v, and as the event "precision". */
void separate_report_precision(const separate_run *run);

/* Write lines of --results; without it they do nothing. A song is begun before
 * its first file is created (`files` paths, stems first), and done when all
 * exist. Without a report, the figures of a result are unknown. */
dmx_status separate_results_begin(separate_run *run, const char *song,
                                  char *const *file, size_t files,
                                  dmx_error *err);
dmx_status separate_results_done(separate_run *run,
                                 const separate_result *result, dmx_error *err);
void separate_results_failed(separate_run *run, const char *song,
                             dmx_status status, bool retry, bool begun,
                             const char *message);

void separate_report_song(const separate_run *run,
                          const separate_result *result);
void separate_report_failure(const separate_run *run, const char *song,
                             dmx_status status, const char *message);
void separate_report_progress(const separate_run *run, const char *song,
                              const char *stage, double fraction, double eta);
void separate_report_end(separate_run *run, double seconds);

#endif
