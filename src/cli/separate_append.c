/* The files that --results appends to. */
#include "separate_results.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ends a line that a crash cut off. */
static bool end_line(int fd)
{
    char last = '\n';
    const off_t size = lseek(fd, 0, SEEK_END);
    return size <= 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n' ||
           write(fd, "\n", 1) == 1;
}

/* The folders that a file lies in; what can't be made shows when the file is
 * opened. */
static void make_folders(const char *path)
{
    char *copy = strdup(path);
    for (char *p = copy; p != NULL && (p = strchr(p + 1, '/')) != NULL;) {
        *p = '\0';
        mkdir(copy, 0777);
        *p = '/';
    }
    free(copy);
}

bool separate_is_results(const char *path)
{
    static const char start[] = "{\"song\": ";
    char there[sizeof start - 1];
    struct stat st;
    if (stat(path, &st) != 0 || S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
        return true;
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return S_ISREG(st.st_mode);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    const ssize_t n = fd >= 0 ? read(fd, there, sizeof there) : -1;
    if (fd >= 0)
        close(fd);
    return n > 0 && memcmp(there, start, (size_t)n) == 0;
}

bool separate_is_stream(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
}

int separate_open_to_append(const char *path)
{
    make_folders(path);
    const int fd =
        open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd >= 0 && !end_line(fd)) {
        close(fd);
        return -1;
    }
    return fd;
}
