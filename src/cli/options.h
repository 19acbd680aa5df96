/* Typed command-line options, described by a table: the parser, --help, the
 * man page and the shell completions all read the same one. */
#ifndef DMX_CLI_OPTIONS_H
#define DMX_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/* What an option stores at its offset in the command's options struct. */
typedef enum cli_type {
    CLI_FLAG,   /* int: set to 1; repeated: the count */
    CLI_STRING, /* const char * */
    CLI_CHOICE, /* const char *: one of the words in `argument`, "a|b|c" */
    CLI_WORD,   /* the same, or "" if none of the words follows */
    CLI_INT,    /* int64_t */
    CLI_REAL,   /* double */
    CLI_LIST,   /* cli_list: every occurrence adds an item */
} cli_type;

/* A value of a repeatable option; item[count] is NULL, item is NULL when the
 * option was not given. */
typedef struct cli_list {
    const char **item;
    size_t count;
} cli_list;

/* A table ends with an entry whose name is NULL. */
typedef struct cli_option {
    const char *name; /* without the dashes */
    char letter;      /* one-letter form, or 0 */
    cli_type type;
    const char *argument; /* "SECONDS", "a|b"; NULL for a flag */
    const char *help;     /* one line, lower case, no full stop */
    size_t offset;        /* offsetof(struct ..., member) */
    double min, max;      /* CLI_INT, CLI_REAL: inclusive; unless both 0 */
} cli_option;

/* An option table and the struct it fills. */
typedef struct cli_target {
    const cli_option *option;
    void *values;
} cli_target;

/* Parses argv[0..argc) into options (of up to two targets) and operands:
 * permutes argv so that its first *operands entries are the operands, in order.
 * "--" ends the options; "--name=value", "--name value", "-x value", "-xvalue"
 * and joined flags "-qv" are all understood. Returns NULL on success, else a
 * one-line message in a buffer of `size` bytes. */
const char *cli_parse(char *message, size_t size, const cli_target target[2],
                      int argc, char **argv, int *operands);

/* Frees the lists that cli_parse allocated. */
void cli_free_lists(const cli_target *target);

/* The closest of the names to `word`, or NULL when none is close. */
const char *cli_nearest(const char *word,
                        const char *(*name)(const void *, int),
                        const void *table);

#endif
