/* The songs of a call: operands, and sound files below folders. */
#include "separate.h"
#include "text_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_DEPTH = 32, MOST_SONGS = 1000000 };

static bool has_sound_name(const char *name)
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

/* A file that can't be examined counts as a song, which will then fail. */
static bool is_sound_file(const char *path)
{
    struct stat st;
    return has_sound_name(separate_base_name(path)) &&
           (stat(path, &st) != 0 || S_ISREG(st.st_mode));
}

static bool grow(separate_songs *songs)
{
    const size_t capacity = 2 * songs->capacity + 16;
    char **path = realloc(songs->path, capacity * sizeof *path);
    if (path != NULL)
        songs->path = path;
    size_t *below = realloc(songs->below, capacity * sizeof *below);
    if (below != NULL)
        songs->below = below;
    if (path == NULL || below == NULL)
        return false;
    songs->capacity = capacity;
    return true;
}

/* Takes ownership of the path, even on failure. */
static bool add_song(separate_songs *songs, char *path, size_t below)
{
    if (path == NULL || songs->count >= MOST_SONGS ||
        (songs->count == songs->capacity && !grow(songs))) {
        free(path);
        return false;
    }
    songs->path[songs->count] = path;
    songs->below[songs->count++] = below;
    return true;
}

/* ------------------------------------------------------------------- walk */

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

/* An open folder of the walk, and the position in it. */
typedef struct level {
    char *path;
    struct dirent **entry;
    int count, next;
} level;

typedef struct walk {
    separate_songs *songs;
    cli_terminal *t;
    cli_files entered; /* every folder, once */
    level stack[MOST_DEPTH];
    int depth;
    size_t below; /* length of the first folder's path */
    int unreadable;
} walk;

static void close_level(walk *w)
{
    level *l = &w->stack[--w->depth];
    for (int i = 0; i < l->count; i++)
        free(l->entry[i]);
    free(l->entry);
    free(l->path);
}

/* Takes ownership of the path. A folder that was already entered, under any
 * name, is skipped; so is the folder for the stems, which is on the list. */
static bool enter(walk *w, char *path)
{
    if (path == NULL)
        return false;
    if (w->depth == MOST_DEPTH)
        cli_warn(w->t, "%s: more than %d folders deep; left out", path,
                 MOST_DEPTH);
    if (w->depth == MOST_DEPTH || cli_files_find(&w->entered, path) != NULL) {
        free(path);
        return true;
    }
    level *l = &w->stack[w->depth++];
    *l = (level){path, NULL, 0, 0};
    l->count = scandir(path, &l->entry, not_hidden, alphasort);
    if (l->count < 0) {
        l->count = 0;
        cli_error(w->t, "%s: %s", path, strerror(errno));
        w->unreadable++;
    }
    return cli_files_add(&w->entered, path);
}

/* The next entry of the innermost folder. */
static bool step(walk *w)
{
    level *l = &w->stack[w->depth - 1];
    if (l->next == l->count) {
        close_level(w);
        return true;
    }
    const char *name = l->entry[l->next++]->d_name;
    char *path = join(l->path, name);
    if (path != NULL && cli_is_folder(path))
        return enter(w, path);
    if (path == NULL || is_sound_file(path))
        return add_song(w->songs, path, w->below);
    free(path);
    return true;
}

/* All sound files below a folder, in the order of their names. */
static bool walk_folder(walk *w, const char *folder)
{
    w->below = strlen(folder);
    while (w->below > 1 && folder[w->below - 1] == '/')
        w->below--;
    char *path = strndup(folder, w->below);
    w->below += w->below > 1 || folder[0] != '/';
    bool good = enter(w, path);
    while (good && w->depth > 0)
        good = step(w);
    while (w->depth > 0)
        close_level(w);
    return good;
}

/* A link may lead up to a folder that contains this one, whose other contents
 * were not requested. */
static bool skip_ancestors(walk *w, const char *folder)
{
    char *path = realpath(folder, NULL);
    char *slash = path != NULL ? strrchr(path, '/') : NULL;
    bool good = true;
    while (good && slash != NULL && slash[1] != '\0') {
        slash[slash == path] = '\0';
        good = cli_files_add(&w->entered, path);
        slash = slash == path ? NULL : strrchr(path, '/');
    }
    free(path);
    return good;
}

/* Skips the folder for the stems, unless it is the one requested. */
static bool skip_stems_folder(walk *w, const char *folder, const char *stems)
{
    cli_files first = {0};
    const bool good = cli_files_add(&first, folder);
    const bool same = cli_files_find(&first, stems) != NULL;
    cli_files_free(&first);
    return good && (same || cli_files_add(&w->entered, stems));
}

/* ------------------------------------------------------------------ songs */

static int find_in_folder(separate_songs *songs, cli_terminal *t,
                          const char *folder, const char *stems)
{
    const size_t before = songs->count;
    walk *w = calloc(1, sizeof *w);
    bool good = false;
    if (w != NULL) {
        *w = (walk){.songs = songs, .t = t};
        good = skip_ancestors(w, folder) &&
               skip_stems_folder(w, folder, stems) && walk_folder(w, folder);
        songs->unreadable += w->unreadable;
        cli_files_free(&w->entered);
    }
    free(w);
    if (!good) {
        cli_error(t, "no memory for the list of songs");
        return CLI_FAILED;
    }
    if (songs->count > before)
        return CLI_DONE;
    if (songs->unreadable > 0)
        return CLI_FAILED;
    return cli_misuse(t, "separate",
                      "%s: no sound files in this folder; to write the stems "
                      "there, use -o %s",
                      folder, folder);
}

int separate_songs_find(separate_songs *songs, cli_terminal *t, int n,
                        char **operand, const char *stems)
{
    int code = CLI_DONE;
    for (int i = 0; i < n && code == CLI_DONE; i++) {
        if (cli_is_folder(operand[i])) {
            code = find_in_folder(songs, t, operand[i], stems);
        } else if (!add_song(songs, strdup(operand[i]), 0)) {
            cli_error(t, "no memory for the list of songs");
            code = CLI_FAILED;
        }
    }
    return code;
}

bool separate_songs_any(const separate_songs *songs)
{
    for (size_t i = 0; i < songs->count; i++)
        if (strcmp(songs->path[i], "-") == 0 ||
            access(songs->path[i], R_OK) == 0)
            return true;
    return false;
}

void separate_songs_leave_out(separate_songs *songs, size_t index)
{
    free(songs->path[index]);
    songs->path[index] = NULL;
}

void separate_songs_close_gaps(separate_songs *songs)
{
    size_t kept = 0;
    for (size_t i = 0; i < songs->count; i++)
        if (songs->path[i] != NULL) {
            songs->path[kept] = songs->path[i];
            songs->below[kept++] = songs->below[i];
        }
    songs->count = kept;
}

void separate_songs_free(separate_songs *songs)
{
    for (size_t i = 0; i < songs->count; i++)
        free(songs->path[i]);
    free(songs->path);
    free(songs->below);
    free(songs->mine);
    *songs = (separate_songs){0};
}
