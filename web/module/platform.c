/* base/platform.h on WebAssembly. Threads are workers that the host has
 * started: each has an instance of the module on the same memory and a stack of
 * its own, and waits in web_thread for something to run. Without shared memory
 * there are none. */
#include "module.h"
#include "engine.h"

#include "base/memory.h"
#include "base/platform.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------- pages */

void *dmx_pages_alloc(size_t bytes)
{
    void *p = dmx_aligned_alloc(bytes, 1);
    return p != NULL ? memset(p, 0, bytes) : NULL;
}

void dmx_pages_free(void *p, size_t bytes)
{
    (void)bytes;
    dmx_aligned_free(p);
}

bool dmx_pages_forget(void *p, size_t bytes)
{
    (void)p, (void)bytes;
    return false;
}

/* The first chunk has room for all that is expected, so that what is taken
 * besides while weights are packed lies behind it, and leaves one hole that
 * memory grows from, not one in front of every chunk. */
#define SMALL_CHUNK ((size_t)4 << 20)
static size_t expected;

void web_expect_pages(size_t bytes)
{
    expected = bytes;
}

size_t dmx_pages_chunk(void)
{
    const size_t chunk = expected > SMALL_CHUNK ? expected : SMALL_CHUNK;
    expected = 0;
    return chunk;
}

/* ------------------------------------------------------- waiting on memory */

#if defined(__wasm_atomics__)
/* Waits at most this many nanoseconds; negative: until woken. */
static void wait_at_most(atomic_int *word, int value, int64_t nanoseconds)
{
    __builtin_wasm_memory_atomic_wait32((int *)word, value, nanoseconds);
}

static void wake(atomic_int *word, unsigned count)
{
    __builtin_wasm_memory_atomic_notify((int *)word, count);
}
#else
static void wait_at_most(atomic_int *word, int value, int64_t nanoseconds)
{
    (void)word, (void)value, (void)nanoseconds;
}

static void wake(atomic_int *word, unsigned count)
{
    (void)word, (void)count;
}
#endif

static void wait_while(atomic_int *word, int value)
{
    wait_at_most(word, value, -1);
}

/* --------------------------------------------------------------- threads */

enum { MOST_THREADS = 64 };
enum { IDLE, WORK, DONE };

struct dmx_thread {
    atomic_int state;
    void (*run)(void *argument);
    void *argument;
};

static dmx_thread slots[MOST_THREADS];
static int waiting; /* workers that the host has started */

int dmx_cpu_count(void)
{
    return waiting + 1;
}

dmx_thread *dmx_thread_start(void (*run)(void *argument), void *argument)
{
    for (int i = 0; i < waiting; i++)
        if (atomic_load(&slots[i].state) == IDLE) {
            slots[i].run = run;
            slots[i].argument = argument;
            atomic_store(&slots[i].state, WORK);
            wake(&slots[i].state, 1);
            return &slots[i];
        }
    return NULL;
}

void dmx_thread_join(dmx_thread *thread)
{
    while (atomic_load(&thread->state) == WORK)
        wait_while(&thread->state, WORK);
    atomic_store(&thread->state, IDLE);
}

int web_most_threads(void)
{
    return MOST_THREADS;
}

void web_threads(int count)
{
    waiting = count < MOST_THREADS ? count : MOST_THREADS;
}

void web_thread(int number)
{
    dmx_thread *slot = &slots[number];
    for (;;) {
        int state;
        while ((state = atomic_load(&slot->state)) != WORK)
            wait_while(&slot->state, state);
        slot->run(slot->argument);
        atomic_store(&slot->state, DONE);
        wake(&slot->state, ~0u);
    }
}

/* -------------------------------------------------------------- monitors */

/* lock: 0 free, 1 taken, 2 taken with waiters (U. Drepper, "Futexes Are
 * Tricky", 2011, mutex 2). turn: counts wake-ups. */
struct dmx_monitor {
    atomic_int lock, turn;
};

dmx_monitor *dmx_monitor_open(void)
{
    return calloc(1, sizeof(dmx_monitor));
}

void dmx_monitor_close(dmx_monitor *monitor)
{
    free(monitor);
}

void dmx_monitor_lock(dmx_monitor *monitor)
{
    int state = 0;
    if (atomic_compare_exchange_strong(&monitor->lock, &state, 1))
        return;
    if (state != 2)
        state = atomic_exchange(&monitor->lock, 2);
    while (state != 0) {
        wait_while(&monitor->lock, 2);
        state = atomic_exchange(&monitor->lock, 2);
    }
}

bool dmx_monitor_try_lock(dmx_monitor *monitor)
{
    int state = 0;
    return atomic_compare_exchange_strong(&monitor->lock, &state, 1);
}

void dmx_monitor_unlock(dmx_monitor *monitor)
{
    if (atomic_exchange(&monitor->lock, 0) == 2)
        wake(&monitor->lock, 1);
}

void dmx_monitor_wait(dmx_monitor *monitor)
{
    const int now = atomic_load(&monitor->turn);
    dmx_monitor_unlock(monitor);
    wait_while(&monitor->turn, now);
    dmx_monitor_lock(monitor);
}

void dmx_monitor_wait_for(dmx_monitor *monitor, int milliseconds)
{
    const int now = atomic_load(&monitor->turn);
    dmx_monitor_unlock(monitor);
    wait_at_most(&monitor->turn, now, milliseconds * INT64_C(1000000));
    dmx_monitor_lock(monitor);
}

static void pass_turn(dmx_monitor *monitor, unsigned count)
{
    atomic_fetch_add(&monitor->turn, 1);
    wake(&monitor->turn, count);
}

void dmx_monitor_wake_one(dmx_monitor *monitor)
{
    pass_turn(monitor, 1);
}

void dmx_monitor_wake_all(dmx_monitor *monitor)
{
    pass_turn(monitor, ~0u);
}
