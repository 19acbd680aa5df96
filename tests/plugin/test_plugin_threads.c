/* All threads of a host at once: audio with messages, the worker, and a session
 * that is saved and restored meanwhile, where only audio is held up. */
#include "host.h"
#include "stream_case.h"

#include <lv2/atom/atom.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RATE = 44100, BLOCK = 700, RESTORES = 24 };

static const char model[] = "htdemucs/model.th";

typedef struct play {
    host *h;
    pthread_mutex_t audio; /* held while a block is played, or a restore runs */
    _Atomic bool done;
    _Atomic int blocks, ran; /* blocks; those in which a model was running */
} play;

static void run_block(host *h, uint32_t frames)
{
    static const float in[BLOCK];
    static float out[2 * HOST_MOST_STEMS][BLOCK];
    const float *const ins[2] = {in, in};
    float *outs[2 * HOST_MOST_STEMS];
    for (size_t r = 0; r < 2 * h->stems; r++)
        outs[r] = out[r];
    host_run(h, ins, outs, frames);
}

static void send_something(host *h, const char *path, uint64_t *random)
{
    switch (test_random(random) % 12) {
    case 0:
        host_set_path(h, "urn:demucs-onnx:model", path);
        break;
    case 1:
        host_set_path(h, "urn:demucs-onnx:model", "/nowhere/model.th");
        break;
    case 2:
        host_set_path(h, "urn:demucs-onnx:model", "");
        break;
    case 3:
        host_set_number(h, "urn:demucs-onnx:hop",
                        0.05F + 0.001F * (float)(test_random(random) % 40));
        break;
    case 4:
        host_get(h);
        break;
    default: /* nothing */
        break;
    }
}

static void *play_audio(void *argument)
{
    play *p = argument;
    char *path = strdup(test_data(model));
    uint64_t random = 21;
    while (!atomic_load(&p->done)) {
        pthread_mutex_lock(&p->audio);
        send_something(p->h, path, &random);
        p->h->enabled = (float)(test_random(&random) % 2);
        run_block(p->h, 1 + (uint32_t)(test_random(&random) % BLOCK));
        atomic_fetch_add(&p->ran, p->h->status == 2);
        atomic_fetch_add(&p->blocks, 1);
        pthread_mutex_unlock(&p->audio);
        usleep(1000);
    }
    free(path);
    return NULL;
}

static void *work(void *argument)
{
    play *p = argument;
    while (!atomic_load(&p->done)) {
        host_work(p->h);
        usleep(500);
    }
    return NULL;
}

/* Until so many blocks more were played. */
static void let_play(play *p, int blocks)
{
    const int until = atomic_load(&p->blocks) + blocks;
    while (atomic_load(&p->blocks) < until) {
        host_save(p->h);
        usleep(2000);
    }
}

static void test_threads(void **state)
{
    (void)state;
    char *path = strdup(test_data(model));
    play p = {.h = host_open(4, RATE, true),
              .audio = PTHREAD_MUTEX_INITIALIZER};
    pthread_t audio, worker;
    pthread_create(&audio, NULL, play_audio, &p);
    pthread_create(&worker, NULL, work, &p);
    for (int i = 0; i < RESTORES; i++) {
        let_play(&p, 10);
        pthread_mutex_lock(&p.audio);
        host_load(p.h, i % 3 == 0 ? "/nowhere/model.th" : path, 0.3F,
                  i % 2 == 0 ? 0.1F : 0.06F, 0.02F);
        if (i % 5 == 0) /* as after a stop of the transport */
            p.h->descriptor->activate(p.h->handle);
        pthread_mutex_unlock(&p.audio);
    }
    atomic_store(&p.done, true);
    pthread_join(audio, NULL);
    pthread_join(worker, NULL);
    assert_true(atomic_load(&p.ran) > 0);
    host_load(p.h, path, 0.3F, 0.1F, 0.02F);
    for (int i = 0; i < 4; i++) {
        host_work(p.h);
        run_block(p.h, BLOCK);
    }
    assert_true(p.h->status == 2 && p.h->latency > 0);
    host_close(p.h);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
