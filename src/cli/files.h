/* Sets of existing files, identified by device and inode, not by name. */
#ifndef DMX_CLI_FILES_H
#define DMX_CLI_FILES_H

#include "command.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct cli_file {
    dev_t volume;
    ino_t file;
    char *path;
} cli_file;

/* Zero-initialise to start. */
typedef struct cli_files {
    cli_file *slot; /* open addressing; path NULL: free */
    size_t slots, count;
} cli_files;

/* Adds a file or folder, unless it is already in the set or does not exist.
 * False when out of memory. */
bool cli_files_add(cli_files *files, const char *path);
/* The name under which this file was added, or NULL. */
const char *cli_files_find(const cli_files *files, const char *path);
void cli_files_free(cli_files *files);

/* Whether two paths name the same file, existing or not. */
bool cli_same_file(const char *a, const char *b);

/* CLI_DONE, or a message and CLI_USAGE when `output` is one of `inputs`. NULL:
 * no output. */
int cli_check_output(cli_terminal *t, const char *command,
                     const cli_files *inputs, const char *output);

#endif
