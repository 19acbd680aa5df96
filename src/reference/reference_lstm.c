/* Layers of LSTMs in both directions, as torch.nn.LSTM computes them, in chunks
 * as demucs.demucs.BLSTM cuts and joins them:
 *   i, f, o = sigmoid(W x[t] + U h[t-1] + b),  g = tanh(the same),
 *   c[t] = f c[t-1] + i g,  h[t] = o tanh(c[t]).
 * Rows and chunks are sequences of one batch. Sequences are the columns of the
 * two products, so that a direction's weights are read once per step for a
 * whole strip of sequences. */
#include "base/memory.h"
#include "base/parallel.h"
#include "reference/gemm64.h"
#include "reference/reference_ops.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct direction {
    dmx_gemm64_packed input, state; /* W [4H][in], U [4H][H] */
    double *bias;                   /* [4H]: the sum of both */
} direction;

typedef struct lstm {
    const dmx_reference_step *step;
    const dmx_gemm64_kernel *kernel;
    dmx_chunks chunks;
    size_t hidden, batch, steps; /* sequences and their length */
    size_t in;                   /* channels of the layer's input */
    double *x, *y;               /* [channels][batch][steps], of the layer */
    direction way[2];            /* forward, reverse */
    size_t strips;               /* of kernel->columns sequences */
    atomic_bool out_of_memory;
} lstm;

/* The working memory of one task; columns are sequences. */
typedef struct strip {
    size_t first;         /* sequence */
    double *b, *h, *c;    /* [in], [H], [H] x [columns] */
    double *gates, *room; /* [4H, rounded up][columns]; what was allocated */
} strip;

static dmx_chunks chunks_of(const dmx_reference_step *s)
{
    const int64_t chunk = DMX_MUTANT(LSTM_WHOLE) ? 0 : s->node->at.chunk;
    return dmx_lstm_chunks(chunk, s->in[0].shape.dim[2]);
}

/* ---- chunks -------------------------------------------------------------- */

/* Cuts x [C][F][T] into chunks [C][F * count][width], with zeros past its end.
 */
static void cut(const lstm *l)
{
    const int64_t *dim = l->step->in[0].shape.dim;
    double *to = l->x;
    for (int64_t row = 0; row < dim[0] * dim[1]; row++)
        for (int64_t j = 0; j < l->chunks.count; j++)
            for (int64_t w = 0; w < l->chunks.width; w++) {
                const int64_t t = j * l->chunks.hop + w;
                *to++ =
                    t < dim[2] ? l->step->in[0].data[row * dim[2] + t] : 0.0;
            }
}

/* The chunk from which step t is taken. */
static int64_t chunk_at(const dmx_chunks *c, int64_t t)
{
    const int64_t edge =
        c->width - (DMX_MUTANT(LSTM_EARLY_JOIN) ? c->hop : c->hop / 2);
    const int64_t j = t < edge ? 0 : 1 + (t - edge) / c->hop;
    return j < c->count ? j : c->count - 1;
}

static void join(const lstm *l)
{
    const int64_t *dim = l->step->out[0].shape.dim;
    const dmx_chunks *c = &l->chunks;
    double *to = l->step->out[0].data;
    for (int64_t row = 0; row < dim[0] * dim[1]; row++)
        for (int64_t t = 0; t < dim[2]; t++) {
            const int64_t j = chunk_at(c, t);
            *to++ = l->x[(row * c->count + j) * c->width + t - j * c->hop];
        }
}

/* ---- one layer ----------------------------------------------------------- */

static void gather(const lstm *l, const strip *p, size_t t)
{
    const size_t columns = l->kernel->columns;
    for (size_t k = 0; k < l->in; k++)
        for (size_t j = 0; j < columns; j++)
            p->b[k * columns + j] =
                p->first + j < l->batch
                    ? l->x[(k * l->batch + p->first + j) * l->steps + t]
                    : 0.0;
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* Updates one unit of one sequence; its gates lie `apart` elements apart. */
static double unit(double *c, const double *gate, size_t apart,
                   const double *bias, size_t hidden)
{
    const int g = DMX_MUTANT(LSTM_CELL_LAST) ? 3 : 2, o = 5 - g;
    const double in = sigmoid(gate[0] + bias[0]);
    const double forget = sigmoid(gate[apart] + bias[hidden]);
    const double cell =
        tanh(gate[(size_t)g * apart] + bias[(size_t)g * hidden]);
    const double out =
        sigmoid(gate[(size_t)o * apart] + bias[(size_t)o * hidden]);
    *c = forget * *c + in * cell;
    return out * tanh(*c);
}

static void advance(const lstm *l, const strip *p, size_t way, size_t t)
{
    const size_t columns = l->kernel->columns, hidden = l->hidden;
    const direction *d = &l->way[way];
    const size_t side = DMX_MUTANT(LSTM_REVERSE_FIRST) ? 1 - way : way;
    gather(l, p, t);
    dmx_gemm64_strip(p->gates, &d->input, p->b, 0, l->in, false);
    dmx_gemm64_strip(p->gates, &d->state, p->h, 0, hidden, true);
    for (size_t u = 0; u < hidden; u++)
        for (size_t j = 0; j < columns; j++) {
            const size_t at = u * columns + j;
            p->h[at] = unit(&p->c[at], p->gates + at, hidden * columns,
                            d->bias + u, hidden);
            if (p->first + j < l->batch)
                l->y[((side * hidden + u) * l->batch + p->first + j) *
                         l->steps +
                     t] = p->h[at];
        }
}

static bool open_strip(strip *p, const lstm *l)
{
    const size_t columns = l->kernel->columns;
    const size_t gates = dmx_gemm64_padded_rows(&l->way[0].input) * columns;
    p->room = dmx_aligned_alloc(gates + (l->in + 2 * l->hidden) * columns,
                                sizeof *p->room);
    if (p->room == NULL)
        return false;
    p->gates = p->room;
    p->b = p->gates + gates;
    p->h = p->b + l->in * columns;
    p->c = p->h + l->hidden * columns;
    memset(p->h, 0, 2 * l->hidden * columns * sizeof *p->h);
    return true;
}

static void task(void *context, size_t index)
{
    lstm *l = context;
    const size_t way = index / l->strips;
    strip p = {.first = index % l->strips * l->kernel->columns};
    if (!open_strip(&p, l)) {
        atomic_store(&l->out_of_memory, true);
        return;
    }
    const bool back = way == 1 && !DMX_MUTANT(LSTM_FORWARD_TWICE);
    for (size_t i = 0; i < l->steps; i++)
        advance(l, &p, way, back ? l->steps - 1 - i : i);
    dmx_aligned_free(p.room);
}

/* ---- weights ------------------------------------------------------------- */

static dmx_status pack(dmx_gemm64_packed *out, const lstm *l,
                       const dmx_tensor *t, dmx_error *err)
{
    double *w = dmx_reference_widen(t, 0, err);
    if (w == NULL)
        return DMX_ERROR_MEMORY;
    const size_t columns = (size_t)t->dim[1];
    const dmx_status status = dmx_gemm64_pack(
        out, l->kernel, w, (size_t)t->dim[0], columns, columns, 1, err);
    free(w);
    return status;
}

static dmx_status open_direction(direction *d, const lstm *l,
                                 const dmx_tensor *const *w, dmx_error *err)
{
    DMX_FORWARD(pack(&d->input, l, w[0], err));
    DMX_FORWARD(pack(&d->state, l, w[1], err));
    d->bias = dmx_reference_widen(w[2], 0, err);
    double *second = dmx_reference_widen(w[3], 0, err);
    const bool both = d->bias != NULL && second != NULL;
    for (size_t i = 0; both && i < 4 * l->hidden; i++)
        d->bias[i] += DMX_MUTANT(LSTM_ONE_BIAS) ? 0.0 : second[i];
    free(second);
    return both ? DMX_OK : DMX_ERROR_MEMORY;
}

static void close_directions(lstm *l)
{
    for (int k = 0; k < 2; k++) {
        dmx_gemm64_packed_free(&l->way[k].input);
        dmx_gemm64_packed_free(&l->way[k].state);
        free(l->way[k].bias);
        l->way[k] = (direction){0};
    }
}

static dmx_status run_layer(lstm *l, int64_t layer)
{
    const dmx_node *n = l->step->node;
    dmx_status status = DMX_OK;
    for (int k = 0; status == DMX_OK && k < 2; k++)
        status = open_direction(&l->way[k], l, n->operand + 8 * layer + 4 * k,
                                l->step->err);
    if (status == DMX_OK)
        dmx_parallel(l->step->threads, 2 * l->strips, task, l);
    close_directions(l);
    double *const swap = l->x;
    l->x = l->y;
    l->y = swap;
    l->in = 2 * l->hidden;
    return status;
}

static dmx_status run(lstm *l)
{
    const dmx_reference_step *s = l->step;
    DMX_RETURN_IF(l->x == NULL || l->y == NULL, s->err, DMX_ERROR_MEMORY,
                  "no memory for an LSTM");
    cut(l);
    for (int64_t layer = 0; layer < s->node->at.layers; layer++)
        DMX_FORWARD(run_layer(l, layer));
    DMX_RETURN_IF(atomic_load(&l->out_of_memory), s->err, DMX_ERROR_MEMORY,
                  "no memory for an LSTM");
    join(l);
    return DMX_OK;
}

dmx_status dmx_reference_lstm(const dmx_reference_step *s)
{
    const int64_t *dim = s->in[0].shape.dim;
    lstm l = {.step = s, .chunks = chunks_of(s)};
    l.kernel = dmx_gemm64_kernel_at(0);
    l.hidden = (size_t)s->node->at.hidden;
    l.in = (size_t)dim[0];
    l.batch = (size_t)(dim[1] * l.chunks.count);
    l.steps = (size_t)l.chunks.width;
    l.strips = (l.batch + l.kernel->columns - 1) / l.kernel->columns;
    const size_t widest = l.in > 2 * l.hidden ? l.in : 2 * l.hidden;
    const size_t room = widest * l.batch * l.steps;
    l.x = calloc(room, sizeof *l.x);
    l.y = calloc(room, sizeof *l.y);
    const dmx_status status = run(&l);
    free(l.x);
    free(l.y);
    return status;
}
