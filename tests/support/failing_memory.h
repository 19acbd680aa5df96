/* Allocations that fail on demand. The linker sends the calls of everything
 * that is linked statically here (--wrap in tests/CMakeLists.txt). For one
 * program, once, and for one thread that allocates. */
#ifndef DMX_FAILING_MEMORY_H
#define DMX_FAILING_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

static long countdown; /* 0: never fails */
static bool failed;

static bool fails(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    failed = true;
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    return fails() ? 12 : __real_posix_memalign(out, alignment, size);
}

#endif
