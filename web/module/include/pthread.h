/* The separator's locks between the callers of one separator. A module has one
 * caller, so nobody ever waits; the engine's threads use base/platform.h. */
#ifndef WEB_PTHREAD_H
#define WEB_PTHREAD_H

#include <errno.h>
#include <time.h>

typedef int pthread_mutex_t;

static inline int pthread_mutex_init(pthread_mutex_t *mutex, const void *kind)
{
    (void)kind;
    *mutex = 0;
    return 0;
}

static inline int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    (void)mutex;
    return 0;
}

static inline int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    *mutex = 1;
    return 0;
}

static inline int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    return *mutex != 0 ? EBUSY : pthread_mutex_lock(mutex);
}

static inline int pthread_mutex_timedlock(pthread_mutex_t *mutex,
                                          const struct timespec *until)
{
    (void)until;
    return pthread_mutex_lock(mutex);
}

static inline int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    *mutex = 0;
    return 0;
}

#endif
