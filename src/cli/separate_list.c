/* --files-from: songs named by the lines of a file. */
#include "separate.h"
#include "text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LINES = 1000000, MOST_LINE = 65536 };

typedef struct lines {
    char **item;
    size_t count, capacity;
} lines;

static void free_lines(lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->item[i]);
    free(l->item);
}

static bool add_line(lines *l, const char *text)
{
    if (l->count == l->capacity) {
        const size_t capacity = 2 * l->capacity + 64;
        char **grown = realloc(l->item, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        l->item = grown;
        l->capacity = capacity;
    }
    l->item[l->count] = strdup(text);
    return l->item[l->count++] != NULL;
}

static int refuse(cli_terminal *t, const char *name, size_t line,
                  const char *what)
{
    return cli_misuse(t, "separate", "--files-from: %s, line %zu: %s", name,
                      line, what);
}

/* Takes one line of `got` bytes. Empty lines are ignored. */
static int take_line(lines *l, cli_terminal *t, const char *name, size_t number,
                     char *line, size_t got)
{
    while (got > 0 && (line[got - 1] == '\n' || line[got - 1] == '\r'))
        line[--got] = '\0';
    if (strlen(line) != got)
        return refuse(t, name, number, "a zero byte; is it a list of names?");
    if (got > MOST_LINE)
        return refuse(t, name, number, "too long for a name");
    if (strcmp(line, "-") == 0)
        return refuse(t, name, number, "standard input can't be on a list");
    if (l->count == MOST_LINES)
        return refuse(t, name, number, "more than a million songs");
    if (got == 0 || add_line(l, line))
        return CLI_DONE;
    cli_error(t, "no memory for the list of songs");
    return CLI_FAILED;
}

static int read_lines(lines *l, cli_terminal *t, const char *name, FILE *f)
{
    char *line = NULL;
    size_t size = 0, number = 0;
    ssize_t got;
    int code = CLI_DONE;
    while (code == CLI_DONE && (got = getline(&line, &size, f)) >= 0)
        code = take_line(l, t, name, ++number, line, (size_t)got);
    free(line);
    if (code == CLI_DONE && ferror(f)) {
        cli_error(t, "--files-from: %s: %s", name, strerror(errno));
        code = CLI_FAILED;
    }
    return code;
}

int separate_songs_list(separate_songs *songs, cli_terminal *t,
                        const char *list, const char *stems)
{
    const bool standard = strcmp(list, "-") == 0;
    const char *name = standard ? "standard input" : list;
    if (!standard && cli_is_folder(list))
        return cli_misuse(t, "separate",
                          "--files-from: %s is a folder; give "
                          "it as a song to take all below it",
                          list);
    FILE *f = standard ? stdin : fopen(list, "re");
    if (f == NULL) {
        cli_error(t, "--files-from: %s: %s", name, strerror(errno));
        return CLI_FAILED;
    }
    lines l = {0};
    int code = read_lines(&l, t, name, f);
    if (!standard)
        fclose(f);
    if (code == CLI_DONE)
        code = separate_songs_find(songs, t, (int)l.count, l.item, stems);
    free_lines(&l);
    return code;
}
