/* The architecture asks this file for weights, not arch/weights.c: here every
 * weight exists, in whatever shape is asked for, and holds numbers that follow
 * from its name. */
#include "random_network.h"

#include "arch/weights.h"
#include "random_arguments.h"
#include "random_tensor.h"
#include "test_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dmx_arena weights_arena;
static bool weights_are_halves;

dmx_status dmx_weights_open(dmx_weights *w, const struct dmx_checkpoint *c,
                            dmx_error *err)
{
    (void)err;
    *w = (dmx_weights){.checkpoint = c};
    return DMX_OK;
}

void dmx_weights_close(dmx_weights *w)
{
    (void)w;
}

void dmx_weights_open_asking(dmx_weights *w)
{
    (void)w;
    fail_msg("nothing is quantized here");
}

/* Centre and spread that keep activations near 1 and no branch idle. */
static void choose_range(const char *path, const char *name, int rank,
                         const int64_t *dim, double *centre, double *spread)
{
    int64_t inputs = 1;
    for (int k = 1; k < rank; k++)
        inputs *= dim[k];
    *centre = 0.0;
    *spread = 0.1;
    if (strcmp(name, "scale") == 0) {
        *centre = 0.3;
    } else if (rank == 1 && strcmp(name, "weight") == 0) {
        *centre = 1.0;
        *spread = 0.2;
    } else if (strstr(path, "conv_tr") != NULL && rank > 1) {
        *spread = 0.7 / sqrt(2.0 * (double)dim[0]);
    } else if (rank > 1 && strstr(path, "embedding") == NULL) {
        *spread = 0.7 / sqrt((double)inputs);
    }
}

static void round_to_halves(const dmx_tensor *t)
{
    float *x = (float *)(uintptr_t)t->data;
    for (size_t i = 0; i < dmx_tensor_count(t); i++)
        x[i] = dmx_f16_to_f32(dmx_f32_to_f16(x[i]));
}

const dmx_tensor *dmx_weights_get(dmx_weights *w, const char *path,
                                  const char *name, int rank,
                                  const int64_t *dim)
{
    (void)w;
    char *full = dmx_arena_printf(&weights_arena, "%s.%s", path, name);
    assert_non_null(full);
    uint64_t seed = 14695981039346656037u;
    for (const char *c = full; *c != '\0'; c++)
        seed = (seed ^ (unsigned char)*c) * 1099511628211u;
    double centre, spread;
    choose_range(path, name, rank, dim, &centre, &spread);
    const dmx_tensor *t =
        random_tensor(&weights_arena, &seed, full, centre, spread, rank, dim);
    if (weights_are_halves)
        round_to_halves(t);
    return t;
}

dmx_status dmx_weights_verdict(dmx_weights *w, dmx_error *err)
{
    (void)w;
    (void)err;
    return DMX_OK;
}

/* ----------------------------------------------------------------- network */

bool random_network_open(random_network *n, const char *klass, uint64_t seed)
{
    static char path[] = "random";
    dmx_error err = DMX_ERROR_INIT;
    const random_class *c = random_class_find(klass);
    assert_non_null(c);
    weights_are_halves = seed % 2 == 1;
    *n = (random_network){.halves = weights_are_halves,
                          .arguments = c->arguments(seed)};
    n->checkpoint =
        (struct dmx_checkpoint){.path = path,
                                .klass_name = (char *)(uintptr_t)c->klass,
                                .kwargs = n->arguments};
    const dmx_status status =
        dmx_model_open(&n->model, &n->checkpoint, NULL, &err);
    if (status == DMX_ERROR_MODEL || status == DMX_ERROR_UNSUPPORTED) {
        printf("refused: %s\n", err.message);
        return false;
    }
    assert_ok(status, &err);
    assert_ok(dmx_model_graph(&n->graph, n->model,
                              c->samples(seed, n->arguments), &err),
              &err);
    n->input = dmx_graph_shape(n->graph, n->graph->input);
    n->output = dmx_graph_shape(n->graph, n->graph->output);
    return true;
}

void random_network_close(random_network *n)
{
    dmx_graph_close(n->graph);
    dmx_model_close(n->model);
    dmx_json_free(n->arguments);
    dmx_arena_free(&weights_arena);
}

bool random_network_takes_phase(const random_network *n)
{
    const dmx_json *cac = dmx_json_get(n->arguments, "cac");
    return cac != NULL && !dmx_json_is_true(cac);
}

random_seeds random_seeds_parse(int argc, char **argv)
{
    return argc == 4 ? (random_seeds){argv[1], strtoull(argv[2], NULL, 10),
                                      strtoull(argv[3], NULL, 10)}
                     : (random_seeds){0};
}

random_seeds random_seeds_of(const random_seeds *given, const char *klass,
                             uint64_t usual)
{
    if (given->klass == NULL)
        return (random_seeds){klass, 0, usual};
    return strcmp(given->klass, klass) == 0 ? *given
                                            : (random_seeds){klass, 0, 0};
}
