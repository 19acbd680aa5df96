/* Attention with a distance penalty (demucs.demucs.LocalState): for every row,
 * head and query position, scores over all key positions, their softmax, and
 * the weighted sum of the content. The formula is in graph/rules_time.c. */
#include "base/memory.h"
#include "base/parallel.h"
#include "reference/exp64.h"
#include "reference/reference_ops.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { QUERIES = 32 }; /* of a task */

typedef struct local {
    const dmx_reference_step *step;
    int64_t heads, width, decays; /* channels and decays of a head */
    int64_t rows, time, blocks;   /* blocks of QUERIES */
    atomic_bool out_of_memory;
} local;

/* Row f of channel i of a head, in input k. */
static const double *channel(const local *l, int k, int64_t head, int64_t i,
                             int64_t per_head, int64_t f)
{
    const int64_t c = DMX_MUTANT(LOCAL_HEADS_INTERLEAVED) && k < 3
                          ? i * l->heads + head
                          : head * per_head + i;
    return l->step->in[k].data + (c * l->rows + f) * l->time;
}

/* The penalty per time step of distance between query and key. */
static double slope(const local *l, int64_t head, int64_t f, int64_t s)
{
    double sum = 0.0;
    for (int64_t i = 0; i < l->decays; i++) {
        const double x = channel(l, 3, head, i, l->decays, f)[s];
        sum += (double)(i + 1) / (1.0 + exp(-x)) / 2.0;
    }
    return DMX_MUTANT(LOCAL_DECAY_UNSCALED) ? sum
                                            : sum / sqrt((double)l->decays);
}

static void scores(double *score, const local *l, int64_t head, int64_t f,
                   int64_t s)
{
    const int k = DMX_MUTANT(LOCAL_KEYS_FOR_QUERIES) ? 0 : 1;
    const double a = slope(l, head, f, s);
    for (int64_t t = 0; t < l->time; t++)
        score[t] = 0.0;
    for (int64_t i = 0; i < l->width; i++) {
        const double *key = channel(l, k, head, i, l->width, f);
        const double query = channel(l, 1 - k, head, i, l->width, f)[s];
        for (int64_t t = 0; t < l->time; t++)
            score[t] += query * key[t];
    }
    for (int64_t t = 0; t < l->time; t++)
        score[t] = score[t] * l->step->node->at.scale -
                   (double)(t < s ? s - t : t - s) * a;
    if (!DMX_MUTANT(LOCAL_WITH_ITSELF))
        score[s] = -100.0;
}

/* exp(score - max); returns their sum. */
static double exponentials(double *score, int64_t count)
{
    double most = score[0], total = 0.0;
    for (int64_t t = 1; t < count; t++)
        most = score[t] > most ? score[t] : most;
    for (int64_t t = 0; t < count; t++)
        score[t] -= most;
    dmx_exp64(score, (size_t)count);
    for (int64_t t = 0; t < count; t++)
        total += score[t];
    return total;
}

static void attend(const local *l, double *score, int64_t head, int64_t f,
                   int64_t s)
{
    scores(score, l, head, f, s);
    const double total = exponentials(score, l->time);
    for (int64_t i = 0; i < l->width; i++) {
        const double *content = channel(l, 2, head, i, l->width, f);
        double sum = 0.0;
        for (int64_t t = 0; t < l->time; t++)
            sum += score[t] * content[t];
        const int64_t at = content - l->step->in[2].data;
        l->step->out[0].data[at + s] = sum / total;
    }
}

static void task(void *context, size_t index)
{
    local *l = context;
    const int64_t block = (int64_t)index % l->blocks;
    const int64_t head = (int64_t)index / l->blocks % l->heads;
    const int64_t f = (int64_t)index / l->blocks / l->heads;
    double *score = dmx_aligned_alloc((size_t)l->time, sizeof *score);
    if (score == NULL) {
        atomic_store(&l->out_of_memory, true);
        return;
    }
    const int64_t end = (block + 1) * QUERIES;
    for (int64_t s = block * QUERIES; s < end && s < l->time; s++)
        attend(l, score, head, f, s);
    dmx_aligned_free(score);
}

dmx_status dmx_reference_local_attention(const dmx_reference_step *s)
{
    const int64_t *dim = s->in[0].shape.dim;
    local l = {.step = s, .heads = s->node->at.heads};
    l.width = dim[0] / l.heads;
    l.decays = s->in[3].shape.dim[0] / l.heads;
    l.rows = dim[1];
    l.time = dim[2];
    l.blocks = (l.time + QUERIES - 1) / QUERIES;
    dmx_parallel(s->threads, (size_t)(l.rows * l.heads * l.blocks), task, &l);
    DMX_RETURN_IF(atomic_load(&l.out_of_memory), s->err, DMX_ERROR_MEMORY,
                  "no memory for attention");
    return DMX_OK;
}
