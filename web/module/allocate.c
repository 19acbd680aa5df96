/* wasi-libc's allocator is not thread-safe. With shared memory its functions
 * are wrapped (ld's --wrap) and serialised by a lock, which spins because they
 * are short. */
#if defined(__wasm_atomics__)
#include <stdatomic.h>
#include <stddef.h>

static atomic_flag busy = ATOMIC_FLAG_INIT;

static void enter(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        continue;
}

static void leave(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

#define DECLARE(type, name, parameters)                                        \
    type __real_##name parameters;                                             \
    type __wrap_##name parameters;

DECLARE(void *, malloc, (size_t))
DECLARE(void *, calloc, (size_t, size_t))
DECLARE(void *, realloc, (void *, size_t))
DECLARE(void *, aligned_alloc, (size_t, size_t))
DECLARE(int, posix_memalign, (void **, size_t, size_t))
DECLARE(void, free, (void *))

void *__wrap_malloc(size_t size)
{
    enter();
    void *p = __real_malloc(size);
    leave();
    return p;
}

void *__wrap_calloc(size_t count, size_t size)
{
    enter();
    void *p = __real_calloc(count, size);
    leave();
    return p;
}

void *__wrap_realloc(void *old, size_t size)
{
    enter();
    void *p = __real_realloc(old, size);
    leave();
    return p;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    enter();
    void *p = __real_aligned_alloc(alignment, size);
    leave();
    return p;
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    enter();
    const int code = __real_posix_memalign(out, alignment, size);
    leave();
    return code;
}

void __wrap_free(void *p)
{
    enter();
    __real_free(p);
    leave();
}
#else
typedef int web_has_one_thread;
#endif
