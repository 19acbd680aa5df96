#include "line_file.h"
#include "terminal.h"

#include <errno.h>
#include <stdlib.h>

enum { ASK_EVERY = 1 << 20 }; /* bytes between looks at the signals */

static bool put(cli_lines *l, char byte)
{
    if (l->size + 1 >= l->capacity) {
        const size_t capacity = 2 * l->capacity + 256;
        char *text = realloc(l->text, capacity);
        if (text == NULL)
            return false;
        l->text = text;
        l->capacity = capacity;
    }
    l->text[l->size++] = byte;
    l->text[l->size] = '\0';
    return true;
}

static cli_line failed(int code)
{
    errno = code;
    return CLI_LINE_FAILED;
}

/* To the end of a line that was too long; false when interrupted. */
static bool pass_over(cli_lines *l)
{
    size_t passed = 0;
    int c;
    while ((c = getc(l->stream)) != EOF && c != '\n')
        if (++passed % ASK_EVERY == 0 && cli_interrupted())
            return false;
    l->within = false;
    return true;
}

cli_line cli_lines_next(cli_lines *l)
{
    int c;
    l->size = 0;
    if (l->within && !pass_over(l))
        return failed(EINTR);
    while ((c = getc(l->stream)) != EOF && c != '\n') {
        if (l->size == l->most) {
            l->within = true;
            return CLI_LINE_LONG;
        }
        if (!put(l, (char)c))
            return failed(ENOMEM);
    }
    if (c == EOF && ferror(l->stream))
        return CLI_LINE_FAILED;
    if (c == EOF && l->size == 0)
        return CLI_LINE_END;
    /* An empty line has memory too. */
    if (!put(l, '\0'))
        return failed(ENOMEM);
    l->size--;
    if (l->size > 0 && l->text[l->size - 1] == '\r')
        l->text[--l->size] = '\0';
    return CLI_LINE_READ;
}
