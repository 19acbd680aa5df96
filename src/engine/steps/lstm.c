#include "engine/steps/lstm.h"
#include "engine/steps/steps.h"

#include <stdlib.h>
#include <string.h>

#define TURN         64           /* columns of a task */
#define SLICE_FLOATS (128 * 1024) /* of a task's input: half a MiB */
#define WEIGHTS      4            /* of a direction: input, state, two biases */

/* ---- the signal with columns one after another, and back ------------------
 */

typedef struct turn_step {
    const dmx_lstm_layer *layer;
    int64_t blocks; /* of a row's columns */
} turn_step;

/* Transposes [F][C][T] to [F * T][C]; a task is a block of columns. */
static void run_transpose_in(const dmx_step *step, const dmx_frame *f,
                             int64_t task, float *scratch)
{
    (void)scratch;
    const turn_step *s = step->parameters;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const int64_t row = task / s->blocks, t0 = task % s->blocks * TURN;
    const int64_t end = dmx_min(t0 + TURN, in->cols);
    const float *x =
        dmx_read(f, step->in[DMX_SLOT_INPUT]) + row * in->channels * in->stride;
    float *y =
        dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + row * in->cols * out->stride;
    for (int64_t t = t0; t < end; t++)
        for (int64_t c = 0; c < in->channels; c++)
            y[t * out->stride + c] = x[c * in->stride + t];
}

/* The position from which step t of a row is taken. */
static int64_t source_of(const dmx_lstm_layer *l, int64_t row, int64_t t)
{
    const dmx_chunks *c = &l->chunks;
    int64_t chunk = (t - c->hop / 2) / c->hop;
    if (c->count == 1 || t < c->hop)
        chunk = 0;
    chunk = dmx_min(chunk, c->count - 1);
    return (row * c->count + chunk) * c->width + t - chunk * c->hop;
}

/* Joins the chunks: to [F][2 H][T]. */
static void run_join(const dmx_step *step, const dmx_frame *f, int64_t task,
                     float *scratch)
{
    (void)scratch;
    const turn_step *s = step->parameters;
    const dmx_lstm_layer *l = s->layer;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const int64_t row = task / s->blocks, t0 = task % s->blocks * TURN;
    const int64_t n = dmx_min(TURN, out->cols - t0);
    const float *x = dmx_read(f, step->in[DMX_SLOT_INPUT]);
    const float *from[TURN];
    for (int64_t i = 0; i < n; i++)
        from[i] = x + source_of(l, row, t0 + i) * in->stride;
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
               row * out->channels * out->stride + t0;
    for (int64_t c = 0; c < 2 * l->hidden; c++, y += out->stride) {
        const int64_t at = c < l->hidden ? c : c - l->hidden + l->padded;
        for (int64_t i = 0; i < n; i++)
            y[i] = from[i][at];
    }
}

static dmx_status add_turn(struct dmx_engine *e, const char *path,
                           const dmx_lstm_layer *l, bool join, dmx_buf in,
                           dmx_buf out, dmx_error *err)
{
    turn_step *s = dmx_program_parameters(e, sizeof *s, err);
    if (s == NULL)
        return DMX_ERROR_MEMORY;
    *s = (turn_step){l, (l->steps + TURN - 1) / TURN};
    const dmx_step step = {
        .kind = join ? "join" : "turn",
        .path = path,
        .run = join ? run_join : run_transpose_in,
        .parameters = s,
        .in = {[DMX_SLOT_INPUT] = in},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = l->rows * s->blocks,
    };
    return dmx_program_add(e, &step, err);
}

/* ---- what the inputs add to the gates -------------------------------------
 */

typedef struct project_step {
    const dmx_matrix *matrix;
    int64_t positions, slice;
} project_step;

/* A block of gates for a slice of positions; a slice's inputs stay in the
 * second-level cache for all blocks. */
static void run_project(const dmx_step *step, const dmx_frame *f, int64_t task,
                        float *scratch)
{
    const project_step *s = step->parameters;
    const dmx_matrix *m = s->matrix;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const dmx_block *b = &m->block[task % m->n_block];
    const int64_t at = task / m->n_block * s->slice;
    const int64_t n = dmx_min(s->slice, s->positions - at);
    const float *x = dmx_read(f, step->in[DMX_SLOT_INPUT]) + at * in->stride;
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + at * out->stride;
    const float *w = dmx_matrix_block(m, b, k, scratch);
    for (int64_t r = 0; r < b->rows; r += m->tile)
        k->gates(n, m->k, w + r * m->k, m->bias + b->row0 + r, x, in->stride,
                 y + b->row0 + r, out->stride);
}

static dmx_status add_project(dmx_buf *gates, struct dmx_engine *e,
                              const char *path, const dmx_lstm_layer *l,
                              int64_t channels, dmx_buf in, dmx_error *err)
{
    project_step *s = dmx_program_parameters(e, sizeof *s, err);
    if (s == NULL)
        return DMX_ERROR_MEMORY;
    const int64_t most = SLICE_FLOATS / l->project.k / 12 * 12;
    s->matrix = &l->project;
    s->positions =
        l->first ? l->rows * l->steps : l->sequences * l->chunks.width;
    s->slice = dmx_max(most, 12);
    DMX_FORWARD(dmx_program_buffer(
        gates, e, dmx_plane_make(1, s->positions, 8 * l->padded), err));
    const dmx_step step = {
        .kind = "lstm input",
        .path = path,
        .run = run_project,
        .parameters = s,
        .in = {[DMX_SLOT_INPUT] = in},
        .out = {[DMX_SLOT_OUTPUT] = *gates},
        .tasks = (s->positions + s->slice - 1) / s->slice * l->project.n_block,
        .scratch = dmx_matrix_room(&l->project),
        /* as in the textbook: every chunk separately */
        .flops = 16.0 * (double)l->hidden * (double)channels *
                 (double)(l->sequences * l->chunks.width),
    };
    return dmx_program_add(e, &step, err);
}

/* ---- weights --------------------------------------------------------------
 */

static dmx_status load(float **out, const dmx_tensor *t, dmx_error *err)
{
    const size_t count = dmx_tensor_count(t);
    *out = calloc(count + 1, sizeof **out);
    DMX_RETURN_IF(*out == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %zu weights", count);
    const dmx_status status = dmx_tensor_read_f32(*out, t, err);
    if (status != DMX_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

/* The index of line gate * H + unit in tile order. */
static int64_t line_of(const dmx_lstm_layer *l, int64_t lanes, int64_t line)
{
    const int64_t gate = line / l->hidden, unit = line % l->hidden;
    return (unit / lanes * 4 + gate) * lanes + unit % lanes;
}

/* The index of a weight column: outputs of the previous layer have a gap after
 * each direction. */
static int64_t column_of(const dmx_lstm_layer *l, int64_t column)
{
    return l->first || column < l->hidden ? column
                                          : column - l->hidden + l->padded;
}

/* Reorders the lines of a direction to [4 padded][k] from a tensor [4
 * H][columns]. */
static dmx_status order_lines(float *out, const dmx_lstm_layer *l,
                              int64_t lanes, int64_t k, const dmx_tensor *t,
                              dmx_error *err)
{
    const int64_t columns = t->dim[1];
    float *w;
    DMX_FORWARD(load(&w, t, err));
    for (int64_t i = 0; i < 4 * l->hidden; i++)
        for (int64_t j = 0; j < columns; j++)
            out[line_of(l, lanes, i) * k + column_of(l, j)] =
                w[i * columns + j];
    free(w);
    return DMX_OK;
}

/* Adds the two biases of a direction. */
static dmx_status order_bias(float *out, const dmx_lstm_layer *l, int64_t lanes,
                             const dmx_tensor *const w[WEIGHTS], dmx_error *err)
{
    float *a, *b = NULL;
    DMX_FORWARD(load(&a, w[2], err));
    const dmx_status status = load(&b, w[3], err);
    for (int64_t i = 0; b != NULL && i < 4 * l->hidden; i++)
        out[line_of(l, lanes, i)] = a[i] + b[i];
    free(a);
    free(b);
    return status;
}

static dmx_status pack(dmx_matrix *m, struct dmx_engine *e, float *weight,
                       const float *bias, int64_t lines, int64_t k,
                       dmx_error *err)
{
    const dmx_dense d = {
        .weight = weight,
        .bias = bias,
        .channels = lines,
        .k = k,
        .phases = {1, 1},
        .tile = 4 * e->kernels->lanes,
    };
    return dmx_matrix_pack(m, e, &d, err);
}

static dmx_status pack_project(dmx_lstm_layer *l, struct dmx_engine *e,
                               int64_t k, const dmx_tensor *const *w,
                               float *room, dmx_error *err)
{
    const int64_t lanes = e->kernels->lanes, lines = 4 * l->padded;
    float *bias = room + 2 * lines * k;
    for (int d = 0; d < 2; d++) {
        DMX_FORWARD(order_lines(room + d * lines * k, l, lanes, k,
                                w[d * WEIGHTS], err));
        DMX_FORWARD(
            order_bias(bias + d * lines, l, lanes, w + d * WEIGHTS, err));
    }
    return pack(&l->project, e, room, bias, 2 * lines, k, err);
}

static dmx_status pack_recurrent(dmx_lstm_layer *l, struct dmx_engine *e,
                                 const dmx_tensor *const *w, float *room,
                                 dmx_error *err)
{
    dmx_lstm_layer states = *l; /* whose columns are units of one direction */
    states.first = true;
    for (int d = 0; d < 2; d++) {
        memset(room, 0, (size_t)(4 * l->padded * l->padded) * sizeof *room);
        DMX_FORWARD(order_lines(room, &states, e->kernels->lanes, l->padded,
                                w[d * WEIGHTS + 1], err));
        DMX_FORWARD(pack(&l->recurrent[d], e, room, NULL, 4 * l->padded,
                         l->padded, err));
    }
    return DMX_OK;
}

/* w: of this layer, forward, then reverse. */
static dmx_status pack_layer(dmx_lstm_layer *l, struct dmx_engine *e,
                             const dmx_tensor *const *w, dmx_error *err)
{
    const int64_t k = l->first ? w[0]->dim[1] : 2 * l->padded;
    const size_t floats = (size_t)(8 * l->padded) * (size_t)(k + l->padded + 1);
    float *room = calloc(floats, sizeof *room);
    DMX_RETURN_IF(room == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %zu weights", floats);
    dmx_status status = pack_project(l, e, k, w, room, err);
    if (status == DMX_OK)
        status = pack_recurrent(l, e, w, room, err);
    free(room);
    return status;
}

/* ---- all of it ------------------------------------------------------------
 */

static dmx_status add_layer(dmx_buf *x, struct dmx_engine *e,
                            const dmx_lstm *from, dmx_lstm_layer *l,
                            const dmx_tensor *const *w, dmx_error *err)
{
    const dmx_buf in = *x;
    dmx_buf gates;
    DMX_FORWARD(pack_layer(l, e, w, err));
    DMX_FORWARD(add_project(&gates, e, from->path, l, w[0]->dim[1], in, err));
    DMX_FORWARD(dmx_program_buffer(
        x, e, dmx_plane_make(1, l->sequences * l->chunks.width, 2 * l->padded),
        err));
    return dmx_step_recurrence(e, from->path, l, gates, *x, err);
}

static dmx_status add_input(dmx_buf *turned, struct dmx_engine *e,
                            const dmx_lstm *from, const dmx_lstm_layer *l,
                            dmx_error *err)
{
    const dmx_plane *in = &e->buffer[from->x].plane;
    DMX_FORWARD(dmx_program_buffer(
        turned, e, dmx_plane_make(1, in->rows * in->cols, in->channels), err));
    return add_turn(e, from->path, l, false, from->x, *turned, err);
}

dmx_status dmx_step_lstm(struct dmx_engine *e, const dmx_lstm *from,
                         dmx_error *err)
{
    const dmx_plane in = e->buffer[from->x].plane;
    const int64_t lanes = e->kernels->lanes;
    dmx_lstm_layer *l =
        dmx_program_parameters(e, (size_t)from->layers * sizeof *l, err);
    dmx_buf x;
    if (l == NULL)
        return DMX_ERROR_MEMORY;
    for (int64_t i = 0; i < from->layers; i++)
        l[i] = (dmx_lstm_layer){
            .rows = in.rows,
            .steps = in.cols,
            .chunks = from->chunks,
            .hidden = from->hidden,
            .padded = dmx_round_up(from->hidden, lanes),
            .sequences = in.rows * from->chunks.count,
            .first = i == 0,
        };
    DMX_FORWARD(add_input(&x, e, from, l, err));
    for (int64_t i = 0; i < from->layers; i++)
        DMX_FORWARD(
            add_layer(&x, e, from, &l[i], from->weight + i * 2 * WEIGHTS, err));
    return add_turn(e, from->path, l, true, x, from->out, err);
}
