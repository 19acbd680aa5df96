/* Reads the lines of a text file that anybody may have written: no line takes
 * more memory than the caller allows. */
#ifndef DMX_CLI_LINE_FILE_H
#define DMX_CLI_LINE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum cli_line {
    CLI_LINE_READ,
    CLI_LINE_LONG, /* longer than `most`; the next call passes over its rest */
    CLI_LINE_END,
    CLI_LINE_FAILED, /* errno tells; also of missing memory and interruption */
} cli_line;

/* Set the stream and most, zero the rest; free text in the end. */
typedef struct cli_lines {
    FILE *stream; /* borrowed */
    size_t most;  /* bytes of a line without its end */
    char *text;   /* the line, without its end */
    size_t size;  /* of it; it may contain zero bytes */
    size_t capacity;
    bool within; /* a line that was too long */
} cli_lines;

cli_line cli_lines_next(cli_lines *lines);

#endif
