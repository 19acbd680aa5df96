#include "base/part_file.h"

#include "base/folder.h"
#include "base/text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX ".dmx-part"

enum {
    DIGITS = 16,
    MOST_NAME = 200, /* bytes kept of a name: NAME_MAX is 255 */
    TRIES = 16,
};

/* ------------------------------------------------------------------ names */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* How many bytes of a name its part files keep: whole characters only. */
static size_t kept_length(const char *name)
{
    const size_t length = strlen(name);
    if (length <= MOST_NAME)
        return length;
    size_t n = MOST_NAME;
    while (n > MOST_NAME - 4 && ((unsigned char)name[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static uint64_t random_bits(void)
{
    static atomic_uint serial;
    uint64_t bits;
    if (getentropy(&bits, sizeof bits) == 0)
        return bits;
    struct timespec now; /* O_EXCL detects the collisions that remain */
    clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_nsec << 32) ^ ((uint64_t)getpid() << 16) ^
           atomic_fetch_add(&serial, 1);
}

static void name_part(char *part, size_t size, const char *path)
{
    const char *base = base_of(path);
    snprintf(part, size, "%.*s%.*s.%016llx" SUFFIX, (int)(base - path), path,
             (int)kept_length(base), base, (unsigned long long)random_bits());
}

/* Is `name` one that name_part makes of `base`? */
static bool is_part_of(const char *name, const char *base)
{
    const size_t kept = kept_length(base);
    if (strncmp(name, base, kept) != 0 || name[kept] != '.')
        return false;
    const char *digits = name + kept + 1;
    for (int i = 0; i < DIGITS; i++)
        if (!isxdigit((unsigned char)digits[i]))
            return false;
    return strcmp(digits + DIGITS, SUFFIX) == 0;
}

bool dmx_is_file_of_name(int fd, const char *path)
{
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && lstat(path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* ----------------------------------------------------------------- create */

/* Locks the part file and checks that it still exists: another process that
 * removes abandoned part files may have got in between open and flock. Where
 * the file system has no locks, no process can take one to remove the file. */
static bool keep(int fd, const char *part)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return false;
    return dmx_is_file_of_name(fd, part);
}

int dmx_part_file_create(char **part, const char *path)
{
    const size_t size = strlen(path) + DIGITS + sizeof SUFFIX + 1;
    *part = malloc(size);
    int fd = -1;
    errno = *part == NULL ? ENOMEM : EEXIST;
    for (int i = 0; *part != NULL && i < TRIES && errno == EEXIST; i++) {
        name_part(*part, size, path);
        fd = open(*part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  0666);
        if (fd >= 0 && keep(fd, *part))
            return fd;
        if (fd >= 0) {
            unlink(*part);
            close(fd);
            errno = EEXIST;
        }
    }
    const int code = errno;
    free(*part);
    *part = NULL;
    errno = code;
    return -1;
}

/* ------------------------------------------------------------------- dead */

static void remove_if_dead(int folder, const char *name)
{
    struct stat st;
    const int fd =
        openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, name, 0);
    close(fd);
}

void dmx_part_files_remove_dead(const char *path)
{
    char *folder = dmx_folder_of(path);
    DIR *dir = folder != NULL ? opendir(folder) : NULL;
    if (dir != NULL) {
        const struct dirent *entry;
        while ((entry = readdir(dir)) != NULL)
            if (is_part_of(entry->d_name, base_of(path)))
                remove_if_dead(dirfd(dir), entry->d_name);
        closedir(dir);
    }
    free(folder);
}

/* ------------------------------------------------------------------- list */

/* Used from a signal handler, so without locks or allocation. A file that does
 * not fit is not on the list: it is left behind when the process is killed. */
enum { MOST_PARTS = 4096 };
static _Atomic(char *) list[MOST_PARTS];

bool dmx_part_list_add(char *path)
{
    for (size_t i = 0; i < MOST_PARTS; i++) {
        char *none = NULL;
        if (atomic_compare_exchange_strong(&list[i], &none, path))
            return true;
    }
    return false;
}

bool dmx_part_list_drop(char *path)
{
    for (size_t i = 0; i < MOST_PARTS; i++) {
        char *same = path;
        if (atomic_compare_exchange_strong(&list[i], &same, NULL))
            return true;
    }
    return false;
}

void dmx_remove_part_files(void)
{
    for (size_t i = 0; i < MOST_PARTS; i++) {
        const char *path = atomic_exchange(&list[i], NULL);
        if (path != NULL)
            unlink(path);
    }
}
