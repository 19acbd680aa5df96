/* The folder that a file is in. */
#ifndef DMX_BASE_FOLDER_H
#define DMX_BASE_FOLDER_H

/* Folder of a path, "." when it has none; malloc'd. */
char *dmx_folder_of(const char *path);
/* Makes a rename in the folder of `path` last; best effort. */
void dmx_sync_folder(const char *path);

#endif
