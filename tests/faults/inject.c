/* Preloaded into the program (scripts/faults.sh): one call of one kind fails.
 *
 *   DMX_FAULT=KIND:N     the Nth call of the kind (from 1) fails; 0: none
 *   DMX_FAULT_COUNT=FILE the number of calls of every kind, at the end
 *   DMX_FAULT_KILL=1     instead of the call failing, SIGKILL before it
 *
 * Kinds: alloc, open, read, write, short (a write or fwrite that takes a part
 * of the bytes), fsync, rename, mmap. Calls are those that the program and its
 * libraries make through the dynamic linker; messages on standard error are
 * let through, for they are what is asked for. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { ALLOC, OPEN, READ, WRITE, SHORT, FSYNC, RENAME, MMAP, KINDS };
static const char *const names[KINDS] = {"alloc", "open",  "read",   "write",
                                         "short", "fsync", "rename", "mmap"};
static int wanted = -1;
static long number;
static int deadly;
static atomic_long calls[KINDS];

static void report(void)
{
    const char *path = getenv("DMX_FAULT_COUNT");
    char text[256];
    int used = 0;
    for (int i = 0; i < KINDS; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s %ld\n",
                         names[i], atomic_load(&calls[i]));
    wanted = -1;
    const int fd = path != NULL ? creat(path, 0666) : -1;
    if (fd >= 0) {
        (void)!write(fd, text, (size_t)used);
        close(fd);
    }
}

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("DMX_FAULT");
    const char *colon = text != NULL ? strchr(text, ':') : NULL;
    if (colon == NULL)
        return;
    number = atol(colon + 1);
    deadly = getenv("DMX_FAULT_KILL") != NULL;
    atexit(report);
    for (int i = 0; i < KINDS; i++)
        if (strncmp(text, names[i], (size_t)(colon - text)) == 0 &&
            names[i][colon - text] == '\0')
            wanted = i;
}

/* Whether this call of the kind is the one to fail. */
static int fails(int kind)
{
    const long call = atomic_fetch_add(&calls[kind], 1) + 1;
    const int is_it = kind == wanted && call == number;
    if (is_it && deadly)
        kill(getpid(), SIGKILL);
    return is_it;
}

/* The next definition of a function, looked up once. */
#define REAL(type, name)                                                       \
    static __typeof__(type) real;                                              \
    if (real == NULL)                                                          \
    *(void **)&real = dlsym(RTLD_NEXT, name)

/* ------------------------------------------------------------------ memory */

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static int no_memory(void)
{
    if (!fails(ALLOC))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return no_memory() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return no_memory() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    return no_memory() ? NULL : __libc_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return no_memory() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *p = no_memory() ? NULL : __libc_memalign(alignment, size);
    if (p == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}

/* ------------------------------------------------------------------- files */

static mode_t mode_of(int flags, va_list args)
{
    return (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
}

#define OPEN_LIKE(name)                                                        \
    int name(const char *path, int flags, ...)                                 \
    {                                                                          \
        REAL(int (*)(const char *, int, ...), #name);                          \
        va_list args;                                                          \
        va_start(args, flags);                                                 \
        const mode_t mode = mode_of(flags, args);                              \
        va_end(args);                                                          \
        if (!fails(OPEN))                                                      \
            return real(path, flags, mode);                                    \
        errno = EMFILE;                                                        \
        return -1;                                                             \
    }
OPEN_LIKE(open)
OPEN_LIKE(open64)

FILE *fdopen(int fd, const char *mode)
{
    REAL(FILE * (*)(int, const char *), "fdopen");
    if (!fails(OPEN))
        return real(fd, mode);
    errno = ENOMEM;
    return NULL;
}

#define STREAM_LIKE(name)                                                      \
    FILE *name(const char *path, const char *mode)                             \
    {                                                                          \
        REAL(FILE *(*)(const char *, const char *), #name);                    \
        if (!fails(OPEN))                                                      \
            return real(path, mode);                                           \
        errno = EMFILE;                                                        \
        return NULL;                                                           \
    }
STREAM_LIKE(fopen)
STREAM_LIKE(fopen64)

ssize_t read(int fd, void *to, size_t size)
{
    REAL(ssize_t(*)(int, void *, size_t), "read");
    if (!fails(READ))
        return real(fd, to, size);
    errno = EIO;
    return -1;
}

#define PREAD_LIKE(name, offset)                                               \
    ssize_t name(int fd, void *to, size_t size, offset at)                     \
    {                                                                          \
        REAL(ssize_t (*)(int, void *, size_t, offset), #name);                 \
        if (!fails(READ))                                                      \
            return real(fd, to, size, at);                                     \
        errno = EIO;                                                           \
        return -1;                                                             \
    }
PREAD_LIKE(pread, off_t)
PREAD_LIKE(pread64, off64_t)

ssize_t write(int fd, const void *from, size_t size)
{
    REAL(ssize_t(*)(int, const void *, size_t), "write");
    if (fd == STDERR_FILENO)
        return real(fd, from, size);
    if (size > 1 && fails(SHORT))
        return real(fd, from, size / 2);
    if (!fails(WRITE))
        return real(fd, from, size);
    errno = ENOSPC;
    return -1;
}

/* As a stream that failed: its error flag stays set. */
static void mark(FILE *stream)
{
    stream->_flags |= _IO_ERR_SEEN;
    errno = ENOSPC;
}

/* Standard error is let through, and what only memory is behind. */
static int is_file(FILE *stream)
{
    return stream != NULL && stream != stderr && fileno(stream) >= 0;
}

size_t fwrite(const void *from, size_t size, size_t count, FILE *stream)
{
    REAL(size_t(*)(const void *, size_t, size_t, FILE *), "fwrite");
    if (!is_file(stream))
        return real(from, size, count, stream);
    if (count > 1 && fails(SHORT)) {
        const size_t some = real(from, size, count / 2, stream);
        mark(stream);
        return some;
    }
    if (!fails(WRITE))
        return real(from, size, count, stream);
    mark(stream);
    return 0;
}

int fflush(FILE *stream)
{
    REAL(int (*)(FILE *), "fflush");
    if (!is_file(stream) || !fails(WRITE))
        return real(stream);
    mark(stream);
    return EOF;
}

int fsync(int fd)
{
    REAL(int (*)(int), "fsync");
    if (!fails(FSYNC))
        return real(fd);
    errno = EIO;
    return -1;
}

int rename(const char *from, const char *to)
{
    REAL(int (*)(const char *, const char *), "rename");
    if (!fails(RENAME))
        return real(from, to);
    errno = EXDEV;
    return -1;
}

#define MMAP_LIKE(name, offset)                                                \
    void *name(void *at, size_t size, int protection, int flags, int fd,       \
               offset from)                                                    \
    {                                                                          \
        REAL(void *(*)(void *, size_t, int, int, int, offset), #name);         \
        if (!fails(MMAP))                                                      \
            return real(at, size, protection, flags, fd, from);                \
        errno = ENOMEM;                                                        \
        return MAP_FAILED;                                                     \
    }
MMAP_LIKE(mmap, off_t)
MMAP_LIKE(mmap64, off64_t)
