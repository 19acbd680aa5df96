/* --resume: applies the lines of earlier runs to the songs of this one. */
#include "separate_results.h"
#include "json_field.h"
#include "line_file.h"

#include <cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LINE = 1 << 20 };

void separate_prior_free(prior *p)
{
    for (size_t i = 0; i < p->files; i++)
        free(p->name[i]);
    free(p->name);
    free(p->size);
    free(p->message);
    *p = (prior){.begun = p->begun, .ended = p->ended};
}

char *separate_shown(const char *text)
{
    const size_t size = dmx_text_json(NULL, 0, text) + 1;
    char *quoted = malloc(size);
    if (quoted == NULL)
        return NULL;
    dmx_text_json(quoted, size, text);
    cJSON *json = cJSON_Parse(quoted);
    free(quoted);
    const char *shown = cJSON_GetStringValue(json);
    char *copy = shown != NULL ? strdup(shown) : NULL;
    cJSON_Delete(json);
    return copy;
}

/* --------------------------------------------------------------- one line */

static off_t bytes_of(const cJSON *o)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, "bytes");
    return cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble < 0x1p53
               ? (off_t)n->valuedouble
               : -1;
}

/* Takes the files of a finished song. */
static bool take_files(prior *p, const cJSON *line)
{
    const cJSON *files = cJSON_GetObjectItemCaseSensitive(line, "files");
    const cJSON *item;
    const size_t most = (size_t)cJSON_GetArraySize(files);
    p->name = calloc(most + 1, sizeof *p->name);
    p->size = calloc(most + 1, sizeof *p->size);
    if (p->name == NULL || p->size == NULL)
        return false;
    cJSON_ArrayForEach(item, files)
    {
        p->name[p->files] = strdup(cli_field_text(item, "file"));
        p->size[p->files] = bytes_of(item);
        if (p->name[p->files++] == NULL)
            return false;
    }
    return true;
}

/* Applies one line; the last line about a song counts. */
static bool take(prior *p, const cJSON *line, bool begun)
{
    p->begun += begun;
    if (begun)
        return true;
    const char *state = cli_field_text(line, "state");
    const bool failed = strcmp(state, "failed") == 0;
    if (!failed && strcmp(state, "done") != 0)
        return true;
    p->ended += !failed ||
                cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "begun"));
    separate_prior_free(p);
    p->bytes = bytes_of(line);
    if (!failed) {
        p->state = PRIOR_DONE;
        return take_files(p, line);
    }
    const bool retry =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "retry"));
    p->state = retry ? PRIOR_NONE : PRIOR_REFUSED;
    p->message = strdup(cli_field_text(line, "message"));
    return p->message != NULL;
}

/* ------------------------------------------------------------------ songs */

/* The songs of this run by the hash of their names. */
typedef struct known {
    uint64_t hash;
    size_t song;
} known;

static int by_hash(const void *a, const void *b)
{
    const known *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static known *index_songs(const separate_songs *s)
{
    known *all = calloc(s->count + 1, sizeof *all);
    for (size_t i = 0; all != NULL && i < s->count; i++)
        all[i] = (known){separate_hash(s->path[i]), i};
    if (all != NULL)
        qsort(all, s->count, sizeof *all, by_hash);
    return all;
}

/* Names that are not UTF-8 may look alike; "key", the hash of their bytes,
 * distinguishes them. Returns the index of the song, or count. */
static size_t find(const separate_songs *s, const known *all, const cJSON *line)
{
    known wanted = {strtoull(cli_field_text(line, "key"), NULL, 16), 0};
    const known *found = bsearch(&wanted, all, s->count, sizeof *all, by_hash);
    if (found == NULL)
        return s->count;
    char *shown = separate_shown(s->path[found->song]);
    const bool same =
        shown != NULL && strcmp(shown, cli_field_text(line, "song")) == 0;
    free(shown);
    return same ? found->song : s->count;
}

/* Takes one line; a line that is no result counts as broken. */
static bool take_line(separate_run *r, const known *all, const char *text,
                      bool begun, size_t *broken)
{
    bool good = true;
    cJSON *json = cJSON_Parse(text);
    const size_t song = find(r->songs, all, json);
    if (json == NULL)
        *broken += text[strspn(text, " \r\n")] != '\0';
    else if (song < r->songs->count)
        good = take(&r->results->prior[song], json, begun);
    cJSON_Delete(json);
    return good;
}

static bool read_lines(separate_run *r, FILE *f, const known *all, bool begun,
                       size_t *broken)
{
    cli_lines lines = {.stream = f, .most = MOST_LINE};
    cli_line got = CLI_LINE_END;
    bool good = true;
    while (good && !cli_interrupted() &&
           (got = cli_lines_next(&lines)) != CLI_LINE_END &&
           got != CLI_LINE_FAILED) {
        if (got == CLI_LINE_LONG)
            ++*broken;
        else
            good = take_line(r, all, lines.text, begun, broken);
    }
    const int code = good ? errno : ENOMEM;
    free(lines.text);
    errno = code;
    return good && (got != CLI_LINE_FAILED || cli_interrupted());
}

bool separate_resume_read(separate_run *r, const char *path, bool begun)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) /* the first run finds no file */
        return errno == ENOENT;
    known *all = index_songs(r->songs);
    size_t broken = 0;
    const bool good = all != NULL && read_lines(r, f, all, begun, &broken);
    const int code = all != NULL ? errno : ENOMEM;
    if (broken > 0)
        cli_warn(r->t, "%s: %zu lines that are no results, left out", path,
                 broken);
    free(all);
    fclose(f);
    errno = good ? 0 : code;
    return good;
}
