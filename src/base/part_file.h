/* Part files: files being written, under unpredictable names. */
#ifndef DMX_BASE_PART_FILE_H
#define DMX_BASE_PART_FILE_H

#include "base/error.h"

#include <stdbool.h>

/* Creates "<name>.<16 hex digits>.dmx-part" beside `path`, where <name> is the
 * last component of `path`, shortened when it is long. The file is new
 * (O_EXCL), no link is followed, and it stays locked (flock) until the
 * descriptor and all duplicates are closed. *part is malloc'd; -1 with errno.
 */
int dmx_part_file_create(char **part, const char *path);

/* Removes the part files of `path` that no process holds a lock on: those of
 * processes that have ended, in any PID namespace. */
void dmx_part_files_remove_dead(const char *path);

/* Is the file open as `fd` the one at `path` itself (not behind a link)? */
bool dmx_is_file_of_name(int fd, const char *path);

/* The list that dmx_remove_part_files works through. False when it is full. The
 * caller keeps ownership of the path; when drop returns false, a signal handler
 * is about to remove the file and the path must not be freed. */
bool dmx_part_list_add(char *path);
bool dmx_part_list_drop(char *path);

#endif
