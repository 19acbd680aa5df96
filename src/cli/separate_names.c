/* Output file names: templates filled with untrusted names. */
#include "separate.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_NAME = 255, LEAST_NAME = 16 };

const char *separate_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* -------------------------------------------------------------- variables */

enum { TRACK, TRACKEXT, STEM, EXT, MODEL, FOLDER, VARIABLES };
static const char *const variables[VARIABLES] = {"track", "trackext", "stem",
                                                 "ext",   "model",    "folder"};

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
            return "only {track}, {trackext}, {folder}, {stem}, {ext} and "
                   "{model} can stand in braces";
    return NULL;
}

/* "song.flac" -> "song" and "flac". */
static char *copy_track(const char *base)
{
    const char *dot = strrchr(base, '.');
    return dot != NULL && dot != base ? strndup(base, (size_t)(dot - base))
                                      : strdup(base);
}

static char *copy_extension(const char *base)
{
    const char *dot = strrchr(base, '.');
    return strdup(dot != NULL && dot != base ? dot + 1 : "");
}

/* The real name of the folder that contains a path. */
static char *name_of_folder(const char *path)
{
    const size_t length = (size_t)(separate_base_name(path) - path);
    char *folder = length > 0 ? strndup(path, length) : strdup(".");
    char *real = folder != NULL ? realpath(folder, NULL) : NULL;
    char *name = strdup(separate_base_name(real != NULL     ? real
                                           : folder != NULL ? folder
                                                            : ""));
    free(real);
    free(folder);
    return name;
}

/* For a song found below a folder of songs: its path below that folder; else
 * the name of its folder. */
static char *copy_folder(const separate_names *names)
{
    if (strcmp(names->song, "-") == 0)
        return strdup("stdin");
    const char *below = names->song + names->below;
    const size_t length = (size_t)(separate_base_name(names->song) - below);
    return names->below > 0 && length > 1 ? strndup(below, length - 1)
                                          : name_of_folder(names->song);
}

static void free_values(char *value[VARIABLES])
{
    for (int i = 0; i < VARIABLES; i++)
        free(value[i]);
}

static bool copy_values(char *value[VARIABLES], const separate_names *names)
{
    const char *base = strcmp(names->song, "-") == 0
                           ? "stdin"
                           : separate_base_name(names->song);
    value[TRACK] = copy_track(base);
    value[TRACKEXT] = copy_extension(base);
    value[STEM] = strdup(names->stem);
    value[EXT] = strdup(names->ext);
    value[MODEL] = strdup(names->model);
    value[FOLDER] = copy_folder(names);
    for (int i = 0; i < VARIABLES; i++)
        if (value[i] == NULL)
            return false;
    return true;
}

/* -------------------------------------------------------------- expansion */

/* Writes a value made safe for file names; an empty value stays empty. Only
 * {folder} may have several components. */
static void put_value(FILE *out, int variable, const char *text, size_t most)
{
    char safe[DMX_FILE_NAME_SIZE];
    if (variable == FOLDER) {
        const size_t length = strcspn(text, "/");
        char *part = strndup(text, length);
        dmx_safe_file_name(safe, part != NULL ? part : "", most);
        free(part);
        fputs(safe, out);
        if (text[length] == '/') {
            fputc('/', out);
            put_value(out, FOLDER, text + length + 1, most);
        }
    } else if (text[0] != '\0') {
        dmx_safe_file_name(safe, text, most);
        fputs(safe, out);
    }
}

/* One component of a template, its values at most `most` bytes long. */
static char *fill_component(const char *text, size_t length,
                            char *const value[VARIABLES], size_t most)
{
    char *filled = NULL;
    size_t size;
    FILE *out = open_memstream(&filled, &size);
    if (out == NULL)
        return NULL;
    for (const char *p = text; p < text + length;) {
        size_t step = 1;
        const int v = *p == '{' ? variable_at(p, &step) : -1;
        if (v >= 0)
            put_value(out, v, value[v], most);
        else
            fputc(*p, out);
        p += step;
    }
    if (fclose(out) == 0)
        return filled;
    free(filled);
    return NULL;
}

static size_t longest_part(const char *path)
{
    size_t longest = 0;
    for (const char *p = path; *p != '\0';) {
        const size_t length = strcspn(p, "/");
        longest = length > longest ? length : longest;
        p += length + (p[length] == '/');
    }
    return longest;
}

/* Shortens values until the system accepts the name; refuses one that is empty
 * or consists of dots. NULL when out of memory. */
static char *expand_component(const char *text, size_t length,
                              char *const value[VARIABLES])
{
    size_t most = MOST_NAME;
    char *filled = fill_component(text, length, value, most);
    while (filled != NULL && longest_part(filled) > MOST_NAME &&
           most > LEAST_NAME) {
        const size_t over = longest_part(filled) - MOST_NAME;
        most = most > over + LEAST_NAME ? most - over : LEAST_NAME;
        free(filled);
        filled = fill_component(text, length, value, most);
    }
    const bool varies = memchr(text, '{', length) != NULL;
    if (filled != NULL && varies && strspn(filled, ".") == strlen(filled)) {
        free(filled);
        filled = strdup("_");
    }
    return filled;
}

static bool expand(FILE *out, const char *text, char *const value[VARIABLES])
{
    for (;;) {
        const size_t length = strcspn(text, "/");
        char *filled = expand_component(text, length, value);
        if (filled == NULL)
            return false;
        fputs(filled, out);
        free(filled);
        text += length;
        if (*text == '\0')
            return true;
        fputc(*text++, out);
    }
}

char *separate_expand(const char *text, const separate_names *names)
{
    char *value[VARIABLES] = {NULL};
    char *path = NULL;
    size_t size;
    FILE *out = open_memstream(&path, &size);
    bool good =
        out != NULL && copy_values(value, names) && expand(out, text, value);
    good = out != NULL && fclose(out) == 0 && good;
    free_values(value);
    if (good)
        return path;
    free(path);
    return NULL;
}
