/* dmx_stream_process on a thread that may not make a system call, allocate or
 * lock; audio thread, worker and resets at the same time. Allocations and locks
 * of the library come through here (--wrap in tests/CMakeLists.txt). */
#include "call_trap.h"
#include "stream_case.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 8, LENGTH = 44100 };

/* ------------------------------------------------- forbidden on one thread */

static _Thread_local bool strict;

static void forbid(void)
{
    if (strict)
        _exit(3);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *p);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *p);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);

void *__wrap_malloc(size_t size)
{
    forbid();
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    forbid();
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    forbid();
    return __real_realloc(old, size);
}

void __wrap_free(void *p)
{
    forbid();
    __real_free(p);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    forbid();
    return __real_posix_memalign(out, alignment, size);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    forbid();
    return __real_pthread_mutex_lock(mutex);
}

/* ----------------------------------------------------------------- stream */

static dmx_separator *open_model(void)
{
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    so.segment = 0.25;
    so.unpadded = 1;
    so.threads = 2;
    return stream_separator("htdemucs/model.th", &so);
}

static dmx_stream *open_stream(dmx_separator *s, int dry)
{
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    dmx_stream *stream;
    dmx_error err = DMX_ERROR_INIT;
    o.hop = 0.05;
    o.dry = dry;
    assert_ok(dmx_stream_open(&stream, s, &o, &err), &err);
    return stream;
}

typedef struct planes {
    float *memory;
    float *stem[ROWS];
    const float *mix[STREAM_CHANNELS];
} planes;

static void open_planes(planes *p, const float *song)
{
    p->memory = calloc(ROWS * LENGTH, sizeof(float));
    assert_non_null(p->memory);
    for (int r = 0; r < ROWS; r++)
        p->stem[r] = p->memory + r * LENGTH;
    for (int c = 0; c < STREAM_CHANNELS; c++)
        p->mix[c] = song + c * LENGTH;
}

#ifdef CAN_TRAP
static void trap(void)
{
    trap_system_calls();
    strict = true;
}

/* Runs in a separate process: blocks of all sizes up to a second, resets,
 * statistics, with a busy worker and without one. Returns how it ended. */
static int run_trapped(int dry, int wrong)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0) {
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        return status;
    }
    dmx_separator *s = open_model();
    dmx_stream *stream = open_stream(s, dry);
    float *song = stream_song(LENGTH);
    planes p;
    open_planes(&p, song);
    dmx_stream_statistics t = DMX_STREAM_STATISTICS_INIT;
    void *volatile memory = NULL;
    void *volatile *wasted = &memory;
    trap();
    if (wrong == 1)
        (void)getppid();
    if (wrong == 2)
        *wasted = malloc(1);
    uint64_t random = 5;
    for (long i = 0; i < 100000 && t.runs < 20; i++) {
        const size_t most = i % 100 == 0 ? LENGTH : 1500;
        const size_t n = (size_t)(test_random(&random) % most);
        dmx_stream_process(stream, p.stem, p.mix, n);
        if (i % 37 == 0)
            dmx_stream_reset(stream);
        (void)dmx_stream_latency(stream);
        dmx_stream_stats(stream, &t);
        for (volatile int spin = 0; spin < 20000; spin++)
            ;
    }
    _exit(t.runs >= 20 ? 0 : 5);
}

static void test_traps(void **state)
{
    (void)state;
    assert_true(WIFSIGNALED(run_trapped(0, 1))); /* the trap works */
    const int allocated = run_trapped(0, 2);
    assert_true(WIFSIGNALED(allocated) || WEXITSTATUS(allocated) == 3);
    for (int dry = 0; dry < 2; dry++) {
        const int status = run_trapped(dry, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("dry %d: ended with status 0x%x", dry, status);
    }
}
#endif

/* ------------------------------------------------------------------ races */

typedef struct race {
    dmx_stream *stream;
    const float *song;
    _Atomic bool done;
} race;

static void *play(void *argument)
{
    race *r = argument;
    planes p;
    open_planes(&p, r->song);
    uint64_t random = 8;
    dmx_stream_statistics t = DMX_STREAM_STATISTICS_INIT;
    for (int i = 0; i < 2000 && t.runs < 60; i++) {
        const size_t n = 1 + (size_t)(test_random(&random) % 700);
        dmx_stream_process(r->stream, p.stem, p.mix, n);
        usleep(500);
        dmx_stream_stats(r->stream, &t);
    }
    free(p.memory);
    atomic_store(&r->done, true);
    return NULL;
}

static void *meddle(void *argument)
{
    race *r = argument;
    dmx_stream_statistics t = DMX_STREAM_STATISTICS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    while (!atomic_load(&r->done)) {
        dmx_stream_reset(r->stream);
        dmx_stream_stats(r->stream, &t);
        assert_ok(dmx_stream_status(r->stream, &err), &err);
        usleep(3000);
    }
    return NULL;
}

/* Two streams of one separator, each with audio thread, worker and resets. */
static void test_races(void **state)
{
    (void)state;
    dmx_separator *s = open_model();
    float *song = stream_song(LENGTH);
    race r[2] = {{.stream = open_stream(s, 0), .song = song},
                 {.stream = open_stream(s, 1), .song = song}};
    pthread_t thread[4];
    for (int i = 0; i < 2; i++) {
        pthread_create(&thread[2 * i], NULL, play, &r[i]);
        pthread_create(&thread[2 * i + 1], NULL, meddle, &r[i]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 2; i++) {
        dmx_stream_statistics t = DMX_STREAM_STATISTICS_INIT;
        dmx_stream_stats(r[i].stream, &t);
        assert_true(t.runs > 0);
        dmx_stream_close(r[i].stream);
    }
    free(song);
    dmx_separator_close(s);
}

/* Closed whenever: amid a run, before any, with a reset not yet seen. */
static void test_closed_amid(void **state)
{
    (void)state;
    dmx_separator *s = open_model();
    float *song = stream_song(LENGTH);
    planes p;
    open_planes(&p, song);
    uint64_t random = 12;
    for (int i = 0; i < 40; i++) {
        dmx_stream *stream = open_stream(s, i % 2);
        const size_t n = (size_t)(test_random(&random) % 9000);
        dmx_stream_process(stream, p.stem, p.mix, n);
        usleep((useconds_t)(test_random(&random) % 20000));
        if (i % 3 == 0)
            dmx_stream_reset(stream);
        dmx_stream_process(stream, p.stem, p.mix, n / 2);
        dmx_stream_close(stream);
    }
    free(p.memory);
    free(song);
    dmx_separator_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef CAN_TRAP
        cmocka_unit_test(test_traps),
#endif
        cmocka_unit_test(test_races),
        cmocka_unit_test(test_closed_amid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
