#include "standard_streams.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool replaced[3]; /* by /dev/null */

void cli_open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0) {
            (void)!open("/dev/null", O_RDWR); /* the lowest one: this one */
            replaced[fd] = true;
        }
}

bool cli_is_open_for_writing(int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY &&
           (fd > STDERR_FILENO || !replaced[fd]);
}

bool cli_same_open_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino &&
           (S_ISREG(x.st_mode) || S_ISFIFO(x.st_mode) || a == b);
}
