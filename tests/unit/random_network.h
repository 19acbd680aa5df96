/* Networks of random constructor arguments and weights that no checkpoint
 * holds. A test that uses them is linked with random_network.c, which stands in
 * for arch/weights.c. One at a time. */
#ifndef DMX_RANDOM_NETWORK_H
#define DMX_RANDOM_NETWORK_H

#include "arch/arch.h"
#include "graph/graph.h"

typedef struct random_network {
    struct dmx_checkpoint checkpoint; /* the model's */
    dmx_json *arguments;
    dmx_model *model;
    dmx_graph *graph;
    dmx_shape input, output; /* [1][channels][samples] */
    bool halves;             /* the weights are float16 */
} random_network;

/* A network of HTDemucs, HDemucs or Demucs. False: there is no such network, in
 * nor in the original. To be closed in either case. */
bool random_network_open(random_network *n, const char *klass, uint64_t seed);
void random_network_close(random_network *n);

/* The networks that a test tries: CLASS FIRST COUNT of its command line or, of
 * every class, seeds from 0 on. */
typedef struct random_seeds {
    const char *klass; /* NULL: every class */
    uint64_t first, count;
} random_seeds;

random_seeds random_seeds_parse(int argc, char **argv);
/* Of one class, of which a test tries `usual` seeds where none are given.
 * Nothing when the command line names another class. */
random_seeds random_seeds_of(const random_seeds *given, const char *klass,
                             uint64_t usual);

/* Whether its magnitudes take the phase of the mixture, which is arbitrary in
 * empty bins. */
bool random_network_takes_phase(const random_network *n);

#endif
