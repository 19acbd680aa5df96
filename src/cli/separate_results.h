/* What became of each song, in a file that survives the process: --results
 * appends to it, --resume reads it.
 *
 * RESULTS has one line a song, a JSON object. RESULTS.begun has a line for
 * each song that was begun, with the files it was going to write; it tells a
 * later run that these are its own. Lines are appended in one piece; one that
 * was cut off by a crash is no JSON and ignored. */
#ifndef DMX_CLI_SEPARATE_RESULTS_H
#define DMX_CLI_SEPARATE_RESULTS_H

#include "separate.h"

#include <sys/types.h>

/* What earlier runs say of a song. */
typedef enum prior_state {
    PRIOR_NONE,    /* nothing, or a failure that need not stay */
    PRIOR_BEGUN,   /* and not ended */
    PRIOR_DONE,    /* its files were complete */
    PRIOR_REFUSED, /* it failed in a way that stays */
} prior_state;

typedef struct prior {
    prior_state state; /* never PRIOR_BEGUN */
    long begun, ended; /* attempts */
    off_t bytes;       /* of the song's file */
    size_t files;      /* PRIOR_DONE */
    char **name;       /* [files], as JSON has them */
    off_t *size;       /* [files] */
    char *message;     /* PRIOR_REFUSED */
} prior;

typedef struct separate_results {
    int fd, begun; /* -1: not asked for */
    prior *prior;  /* [songs], or NULL */
} separate_results;

/* Is the song settled by an earlier run, its file and its stems unchanged?
 * *message: of PRIOR_REFUSED. */
prior_state separate_results_ask(const separate_run *run, size_t song,
                                 char *const *file, size_t files,
                                 char **message);

/* The bytes of a file; -1 when it is not there. */
off_t separate_bytes_of(const char *path);
/* The name as a JSON reader has it back (bytes that are not UTF-8 are lost),
 * malloc'd. */
char *separate_shown(const char *text);

/* Appending, in a file of its own: would a line be at home in this file, a new
 * or empty one, a pipe or a device, or lines of results? */
bool separate_is_results(const char *path);
/* Makes its folders, ends a line that a crash cut off. -1: errno tells. */
int separate_open_to_append(const char *path);
/* A pipe or a device: nothing that a later run could take up. */
bool separate_is_stream(int fd);

/* Reading, in a file of its own. */
bool separate_resume_read(separate_run *run, const char *path, bool begun);
void separate_prior_free(prior *p);

#endif
