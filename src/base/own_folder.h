/* The folders of the running program and of the shared library that contains
 * this code: companion files are looked for beside them. */
#ifndef DMX_BASE_OWN_FOLDER_H
#define DMX_BASE_OWN_FOLDER_H

#include <stdbool.h>

#define DMX_PATH_SIZE 4096

/* Folders without a trailing slash; false when the system does not report them.
 */
bool dmx_program_folder(char folder[DMX_PATH_SIZE]);
bool dmx_library_folder(char folder[DMX_PATH_SIZE]);

#endif
