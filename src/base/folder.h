/* The folder that contains a file. */
#ifndef DMX_BASE_FOLDER_H
#define DMX_BASE_FOLDER_H

/* Folder of a path, "." when it has none; malloc'd. */
char *dmx_folder_of(const char *path);
/* Flushes the folder of `path`, so that a rename in it survives a crash; best
 * effort. */
void dmx_sync_folder(const char *path);

#endif
