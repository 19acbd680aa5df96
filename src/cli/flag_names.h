/* The library speaks of arguments and fields; the user knows flags. */
#ifndef DMX_CLI_FLAG_NAMES_H
#define DMX_CLI_FLAG_NAMES_H

/* A message of the library with the flag in place of every "options.field";
 * malloc'd, NULL when there is no memory. */
char *cli_with_flags(const char *message);

#endif
