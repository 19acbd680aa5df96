/* The names on a list of songs. */
#ifndef DMX_CLI_SEPARATE_LIST_H
#define DMX_CLI_SEPARATE_LIST_H

#include "separate.h"

typedef struct separate_list {
    char **item;
    size_t count, capacity;
    size_t bytes; /* of all names */
} separate_list;

/* Adds the names in a file, which messages call `name`. CLI_DONE, or an exit
 * code after a message. */
int separate_list_read(separate_list *list, cli_terminal *t, const char *name,
                       FILE *f);
void separate_list_free(separate_list *list);

#endif
