/* Names of files: templates, folders, songs below folders. */
#include "separate.h"
#include "text_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MOST_DEPTH = 32, MOST_SONGS = 1000000 };

const char *separate_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* ------------------------------------------------------------- templates */

static const char *const variables[] = {"track", "trackext", "stem", "ext",
                                        "model"};
enum { VARIABLES = sizeof variables / sizeof variables[0] };

/* Index of the variable at "{name}", its length in *length; -1 if none. */
static int variable_at(const char *text, size_t *length)
{
    for (int i = 0; i < VARIABLES; i++) {
        const size_t n = strlen(variables[i]);
        if (strncmp(text + 1, variables[i], n) == 0 && text[n + 1] == '}') {
            *length = n + 2;
            return i;
        }
    }
    return -1;
}

const char *separate_template_problem(const char *text)
{
    size_t length;
    if (text[0] == '\0')
        return "an empty name";
    for (const char *p = text; *p != '\0'; p++)
        if (*p == '{' && variable_at(p, &length) < 0)
            return "only {track}, {trackext}, {stem}, {ext} and {model} can "
                   "stand in braces";
    return NULL;
}

char *separate_expand(const char *text, const char *song, const char *stem,
                      const char *ext, const char *model)
{
    const char *base =
        strcmp(song, "-") == 0 ? "stdin" : separate_base_name(song);
    const char *dot = strrchr(base, '.');
    const size_t track =
        dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base);
    const char *const value[VARIABLES] = {
        base, base[track] == '.' ? base + track + 1 : "", stem, ext, model};
    size_t longest = 0;
    for (int i = 0; i < VARIABLES; i++)
        if (strlen(value[i]) > longest)
            longest = strlen(value[i]);
    char *out = malloc(strlen(text) * (longest + 1) + 1);
    char *end = out;
    while (out != NULL && *text != '\0') {
        size_t length = 1;
        const int v = *text == '{' ? variable_at(text, &length) : -1;
        const size_t n = v < 0 ? 1 : v == 0 ? track : strlen(value[v]);
        memcpy(end, v < 0 ? text : value[v], n);
        end += n;
        text += length;
    }
    if (out != NULL)
        *end = '\0';
    return out;
}

int separate_make_folders(const char *path)
{
    char *copy = strdup(path);
    int problem = copy == NULL ? ENOMEM : 0;
    for (char *p = copy; problem == 0 && (p = strchr(p + 1, '/')) != NULL;) {
        *p = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            problem = errno;
        *p = '/';
    }
    free(copy);
    return problem;
}

/* ----------------------------------------------------------------- songs */

static bool is_sound_file(const char *name)
{
    static const char *const endings[] = {
        "wav",  "flac", "mp3", "ogg", "oga", "opus", "m4a", "aac", "aif",
        "aiff", "aifc", "wma", "mp4", "m4b", "mkv",  "mka", "mov", "webm",
        "w64",  "rf64", "caf", "au",  "ac3", "ape",  "wv",  "tta", "3gp",
        "avi",  "mpc",  "mp2", "dsf", "ts",  "m4v",  "flv", "snd"};
    const char *dot = strrchr(name, '.');
    if (dot == NULL || dot == name)
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot + 1, endings[i]) == 0)
            return true;
    return false;
}

static bool add_song(separate_songs *songs, char *path)
{
    if (path != NULL && songs->count == songs->capacity &&
        songs->count < MOST_SONGS) {
        const size_t capacity = 2 * songs->capacity + 16;
        char **grown = realloc(songs->path, capacity * sizeof *grown);
        if (grown != NULL) {
            songs->path = grown;
            songs->capacity = capacity;
        }
    }
    if (path == NULL || songs->count == songs->capacity) {
        free(path);
        return false;
    }
    songs->path[songs->count++] = path;
    return true;
}

static char *join(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s%s%s", folder,
                 folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    return path;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* An open folder of the walk, and where in it we are. */
typedef struct level {
    char *path;
    struct dirent **entry;
    int count, next;
} level;

static bool open_level(level *l, char *path)
{
    *l = (level){path, NULL, 0, 0};
    if (path != NULL)
        l->count = scandir(path, &l->entry, not_hidden, alphasort);
    if (l->count < 0)
        l->count = 0; /* a folder that can't be read holds nothing for us */
    return path != NULL;
}

static void close_level(level *l)
{
    for (int i = 0; i < l->count; i++)
        free(l->entry[i]);
    free(l->entry);
    free(l->path);
}

/* All sound files below a folder, in the order of their names. */
static bool walk(separate_songs *songs, const char *folder)
{
    level stack[MOST_DEPTH];
    int depth = 0;
    bool good = open_level(&stack[depth++], strdup(folder));
    while (depth > 0) {
        level *l = &stack[depth - 1];
        if (!good || l->next == l->count) {
            close_level(l);
            depth--;
            continue;
        }
        const char *name = l->entry[l->next++]->d_name;
        char *path = join(l->path, name);
        if (path != NULL && cli_is_folder(path) && depth < MOST_DEPTH)
            good = open_level(&stack[depth++], path);
        else if (path != NULL && is_sound_file(name))
            good = add_song(songs, path);
        else
            free(path);
    }
    return good;
}

int separate_songs_find(separate_songs *songs, cli_terminal *t, int n,
                        char **operand)
{
    for (int i = 0; i < n; i++) {
        const size_t before = songs->count;
        const bool folder = cli_is_folder(operand[i]);
        const bool good = folder ? walk(songs, operand[i])
                                 : add_song(songs, strdup(operand[i]));
        if (!good) {
            cli_error(t, "no memory for the list of songs");
            return CLI_FAILED;
        }
        if (folder && songs->count == before)
            return cli_misuse(t, "separate",
                              "%s: no sound files in this folder; to write "
                              "the stems there, use -o %s",
                              operand[i], operand[i]);
    }
    return CLI_DONE;
}

void separate_songs_free(separate_songs *songs)
{
    for (size_t i = 0; i < songs->count; i++)
        free(songs->path[i]);
    free(songs->path);
    *songs = (separate_songs){0};
}
