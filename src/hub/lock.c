/* Locks between processes, and cancellable waiting. */
#include "hub/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define POLL_SECONDS 0.1

dmx_status dmx_wait(double seconds, const dmx_hooks *hooks, const char *stage,
                    double fraction, dmx_error *err)
{
    for (double left = seconds; left > 0; left -= POLL_SECONDS) {
        DMX_FORWARD(dmx_progress(hooks, stage, fraction, err));
        const double now = left < POLL_SECONDS ? left : POLL_SECONDS;
        const struct timespec pause = {0, (long)(now * 1e9)};
        nanosleep(&pause, NULL);
    }
    return dmx_progress(hooks, stage, fraction, err);
}

/* The holder removes the file when done, so the file that we have just locked
 * may no longer be the one with this name. */
static bool is_current(int fd, const char *path)
{
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* 1: acquired, 0: held by another process, -1: failed (errno). */
static int try_lock(dmx_lock *lock)
{
    lock->fd =
        open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (lock->fd < 0)
        return -1;
    int taken = flock(lock->fd, LOCK_EX | LOCK_NB) == 0 ? 1 : -1;
    if (taken < 0 && (errno == EWOULDBLOCK || errno == EINTR))
        taken = 0;
    if (taken > 0 && !is_current(lock->fd, lock->path))
        taken = 0;
    if (taken <= 0) {
        const int code = errno;
        close(lock->fd);
        lock->fd = -1;
        errno = code;
    }
    return taken;
}

static dmx_status poll_lock(dmx_lock *lock, const char *path,
                            const dmx_hooks *hooks, dmx_error *err)
{
    bool told = false;
    for (;;) {
        const int taken = try_lock(lock);
        if (taken > 0)
            return DMX_OK;
        DMX_RETURN_IF(taken < 0, err, DMX_ERROR_IO,
                      "%s: can't lock: %s; is the cache writable? (choose "
                      "another with options.cache_dir or DEMUCS_ONNX_CACHE)",
                      lock->path, strerror(errno));
        if (!told)
            dmx_warn(hooks, "waiting for another process that works on %s",
                     path);
        told = true;
        DMX_FORWARD(dmx_wait(POLL_SECONDS, hooks, "wait", 0, err));
    }
}

dmx_status dmx_lock_take(dmx_lock *lock, const char *path,
                         const dmx_hooks *hooks, dmx_error *err)
{
    const size_t size = strlen(path) + sizeof ".lock";
    *lock = (dmx_lock){-1, malloc(size)};
    DMX_RETURN_IF(lock->path == NULL, err, DMX_ERROR_MEMORY, "no memory");
    snprintf(lock->path, size, "%s.lock", path);
    const dmx_status status = poll_lock(lock, path, hooks, err);
    if (status != DMX_OK)
        dmx_lock_release(lock);
    return status;
}

void dmx_lock_release(dmx_lock *lock)
{
    if (lock->fd >= 0) {
        unlink(lock->path);
        close(lock->fd);
    }
    free(lock->path);
    *lock = (dmx_lock){-1, NULL};
}
