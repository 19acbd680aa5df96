/* Where the running program, and the shared library that this code is part
 * of, lie on disk: other parts are looked for beside them. */
#ifndef DMX_BASE_OWN_FOLDER_H
#define DMX_BASE_OWN_FOLDER_H

#include <stdbool.h>

#define DMX_PATH_SIZE 4096

/* Folders without a final slash; false when the system doesn't tell. */
bool dmx_program_folder(char folder[DMX_PATH_SIZE]);
bool dmx_library_folder(char folder[DMX_PATH_SIZE]);

#endif
