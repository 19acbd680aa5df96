/* The bytes of a fuzz input as a file, for readers that take a path. */
#ifndef DMX_FUZZ_FILE_H
#define DMX_FUZZ_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Returns a descriptor to close, of a file in memory without a name; `path`
 * leads to it. Aborts when there is no room for it. */
static inline int fuzz_file(char path[64], const uint8_t *data, size_t size)
{
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
