/* Library messages name fields of options structs; users know flags. */
#ifndef DMX_CLI_FLAG_NAMES_H
#define DMX_CLI_FLAG_NAMES_H

/* A message of the library with every "options.field" replaced by its flag;
 * malloc'd, NULL when out of memory. */
char *cli_with_flags(const char *message);

#endif
