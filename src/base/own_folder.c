#include "base/own_folder.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __APPLE__
#include <mach-o/dyld.h>
#include <stdint.h>
#endif

/* The folder of a path, links resolved. */
static bool folder_of_file(char folder[DMX_PATH_SIZE], const char *path)
{
    char *full = realpath(path, NULL);
    char *slash = full != NULL ? strrchr(full, '/') : NULL;
    bool fits = false;
    if (slash != NULL) {
        *slash = '\0';
        fits = strlen(full) < DMX_PATH_SIZE;
        if (fits)
            strcpy(folder, full);
    }
    free(full);
    return fits;
}

bool dmx_program_folder(char folder[DMX_PATH_SIZE])
{
#ifdef __APPLE__
    char path[DMX_PATH_SIZE];
    uint32_t size = sizeof path;
    return _NSGetExecutablePath(path, &size) == 0 &&
           folder_of_file(folder, path);
#else
    return folder_of_file(folder, "/proc/self/exe");
#endif
}

bool dmx_library_folder(char folder[DMX_PATH_SIZE])
{
    static const char here = 0;
    Dl_info info;
    return dladdr(&here, &info) != 0 && info.dli_fname != NULL &&
           folder_of_file(folder, info.dli_fname);
}
