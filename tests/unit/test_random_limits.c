/* Random networks with memory saved in every way: the same bits as without.
 * More networks: test_random_limits CLASS FIRST COUNT */
#include "engine_trial.h"
#include "random_network.h"
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static random_seeds given;

typedef struct tally {
    int networks, failed, views, orders, spectrograms, turns;
} tally;

static int64_t compare(tally *n, engine_trial *t,
                       const dmx_engine_limits *limits, const char *what)
{
    dmx_engine *e = engine_trial_engine(t, limits);
    const int64_t size = e->arena_floats;
    n->views += engine_trial_views(e) > 0;
    n->spectrograms += engine_trial_steps(e, "stft") > 1;
    n->turns += engine_trial_steps(e, "winograd in") > 0;
    if (!engine_trial_same(t, e)) {
        printf("FAILED: %s\n", what);
        n->failed++;
    }
    dmx_engine_close(e);
    return size;
}

static void compare_network(tally *n, engine_trial *t)
{
    dmx_engine_limits limits = engine_trial_usual;
    limits.result = 1;
    int64_t least = INT64_MAX, size[DMX_PLACE_APART + 1];
    if (!engine_trial_plain(t))
        return;
    for (int i = DMX_PLACE_BEST; i <= DMX_PLACE_APART; i++) {
        limits.placing = (dmx_placing)i;
        size[i] = compare(n, t, &limits, "placing");
        if (i != DMX_PLACE_BEST)
            least = dmx_min(least, size[i]);
    }
    assert_int_equal(size[DMX_PLACE_BEST], least);
    assert_true(least < size[DMX_PLACE_APART]);
    n->orders += size[DMX_PLACE_LARGER] > least;
    const dmx_engine_limits low = {.waiting = 1, .spectrogram = 1, .result = 1};
    t->options.threads = 3;
    compare(n, t, &low, "low limits");
    n->networks++;
}

static void check_networks(tally *n, const char *klass, uint64_t count)
{
    const random_seeds seeds = random_seeds_of(&given, klass, count);
    for (uint64_t i = 0; i < seeds.count; i++) {
        random_network net;
        if (random_network_open(&net, klass, seeds.first + i)) {
            engine_trial t;
            printf("%s %llu\n", klass, (unsigned long long)(seeds.first + i));
            engine_trial_open(&t, net.graph);
            compare_network(n, &t);
            engine_trial_close(&t);
        }
        random_network_close(&net);
    }
}

static void test_networks(void **state)
{
    (void)state;
    tally n = {0};
    check_networks(&n, "HDemucs", 10);
    check_networks(&n, "HTDemucs", 4);
    check_networks(&n, "Demucs", 3);
    assert_int_equal(n.failed, 0);
    if (given.klass == NULL)
        assert_true(n.networks > 8 && n.views > 0 && n.orders > 0 &&
                    n.spectrograms > 0 && n.turns > 0);
}

int main(int argc, char **argv)
{
    given = random_seeds_parse(argc, argv);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_networks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
