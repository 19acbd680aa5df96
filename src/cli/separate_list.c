/* --files-from: songs named by the lines of a file. */
#include "separate_list.h"
#include "line_file.h"
#include "text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES = 1000000, MOST_NAME = 65536 };

#define MOST_BYTES ((size_t)256 << 20) /* of all names */

void separate_list_free(separate_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->item[i]);
    free(l->item);
    *l = (separate_list){0};
}

static bool add_name(separate_list *l, const cli_lines *line)
{
    if (l->count == l->capacity) {
        const size_t capacity = 2 * l->capacity + 64;
        char **grown = realloc(l->item, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        l->item = grown;
        l->capacity = capacity;
    }
    l->item[l->count] = strdup(line->text);
    l->bytes += line->size;
    return l->item[l->count++] != NULL;
}

static int refuse(cli_terminal *t, const char *name, size_t line,
                  const char *what)
{
    return cli_misuse(t, "separate", "--files-from: %s, line %zu: %s", name,
                      line, what);
}

/* Empty lines are ignored. */
static int take_line(separate_list *l, cli_terminal *t, const char *name,
                     size_t number, const cli_lines *line)
{
    if (line->size == 0)
        return CLI_DONE;
    if (strlen(line->text) != line->size)
        return refuse(t, name, number, "a zero byte; is it a list of names?");
    if (strcmp(line->text, "-") == 0)
        return refuse(t, name, number, "standard input can't be on a list");
    if (l->count == MOST_NAMES)
        return refuse(t, name, number, "more than a million songs");
    if (l->bytes + line->size > MOST_BYTES)
        return refuse(t, name, number, "more than 256 MiB of names");
    if (add_name(l, line))
        return CLI_DONE;
    cli_error(t, "no memory for the list of songs");
    return CLI_FAILED;
}

int separate_list_read(separate_list *l, cli_terminal *t, const char *name,
                       FILE *f)
{
    cli_lines lines = {.stream = f, .most = MOST_NAME};
    size_t number = 0;
    int code = CLI_DONE;
    cli_line got = CLI_LINE_END;
    while (code == CLI_DONE && (got = cli_lines_next(&lines)) != CLI_LINE_END &&
           got != CLI_LINE_FAILED) {
        number++;
        code = got == CLI_LINE_LONG
                   ? refuse(t, name, number, "too long for a name")
                   : take_line(l, t, name, number, &lines);
    }
    if (code == CLI_DONE && got == CLI_LINE_FAILED) {
        cli_error(t, "--files-from: %s: %s", name, strerror(errno));
        code = CLI_FAILED;
    }
    free(lines.text);
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
    separate_list l = {0};
    int code = separate_list_read(&l, t, name, f);
    if (!standard)
        fclose(f);
    if (code == CLI_DONE)
        code = separate_songs_find(songs, t, (int)l.count, l.item, stems);
    separate_list_free(&l);
    return code;
}
