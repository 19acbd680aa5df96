/* The sequential part of an LSTM. A task is one direction of some sequences.
 * Its recurrent weights stay in the second-level cache if they fit; if not,
 * every other step traverses them backwards, so that the most recently used
 * ones come first. */
#include "engine/steps/lstm.h"

#include <string.h>

/* A run can be cancelled only between steps, so long recurrences are several.
 */
#define STEP_FLOPS 2e9

typedef struct recurrence_step {
    const dmx_lstm_layer *layer;
    int64_t from, to;      /* time steps */
    int64_t group, groups; /* sequences of a task */
} recurrence_step;

enum { GATES, STATE }; /* input slots; the state is also written */

/* Cell state, and outputs of the previous and current time step, of all
 * sequences. */
enum { CELLS, EVEN, ODD, KEPT };

static int64_t weight_floats(const dmx_lstm_layer *l)
{
    return 4 * l->padded * l->padded;
}

/* The weights as float32, all blocks contiguous. */
static const float *weights_of(const dmx_matrix *m, const dmx_kernels *k,
                               float *room)
{
    if (m->format == DMX_WEIGHTS_FLOAT32)
        return dmx_matrix_block(m, &m->block[0], k, NULL);
    for (int64_t i = 0; i < m->n_block; i++) {
        const dmx_block *b = &m->block[i];
        dmx_matrix_block(m, b, k, room + b->offset);
    }
    return room;
}

/* The input contributions of sequences [at, at + n) at step s: past the end of
 * the signal the input is zero, and only the bias remains. */
static void find_gates(const float **gate, const dmx_lstm_layer *l,
                       const float *gates, int64_t stride, int64_t direction,
                       int64_t at, int64_t n, int64_t s)
{
    const int64_t offset = direction * 4 * l->padded;
    for (int64_t i = 0; i < n; i++) {
        const int64_t sequence = at + i;
        const int64_t row = sequence / l->chunks.count;
        const int64_t t = sequence % l->chunks.count * l->chunks.hop + s;
        if (!l->first)
            gate[i] =
                gates + (sequence * l->chunks.width + s) * stride + offset;
        else if (t < l->steps)
            gate[i] = gates + (row * l->steps + t) * stride + offset;
        else
            gate[i] = l->project.bias + offset;
    }
}

/* One step of a direction. */
static void run_tiles(const dmx_lstm_layer *l, const dmx_kernels *k,
                      dmx_lstm_cell *c, const float *weight, bool backwards)
{
    const int64_t tiles = l->padded / k->lanes, out = 4 * k->lanes;
    const dmx_lstm_cell whole = *c;
    for (int64_t i = 0; i < tiles; i++) {
        const int64_t tile = backwards ? tiles - 1 - i : i;
        const int64_t unit = tile * k->lanes;
        c->weight = weight + tile * out * l->padded;
        c->gate_offset = tile * out;
        c->state = whole.state + unit;
        c->after = whole.after + unit;
        c->out = whole.out + unit;
        k->lstm_cell(c);
    }
}

static void run_recurrence(const dmx_step *step, const dmx_frame *f,
                           int64_t task, float *scratch)
{
    const recurrence_step *r = step->parameters;
    const dmx_lstm_layer *l = r->layer;
    const dmx_kernels *k = f->engine->kernels;
    const int64_t direction = task / r->groups, width = l->chunks.width;
    const int64_t at = task % r->groups * r->group;
    const int64_t n = dmx_min(r->group, l->sequences - at);
    const int64_t pitch = dmx_lstm_pitch(l);
    const dmx_plane *gates = dmx_plane_of(f, step->in[GATES]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    float *kept[KEPT];
    for (int64_t i = 0; i < KEPT; i++)
        kept[i] = dmx_write(f, step->in[STATE]) +
                  ((direction * KEPT + i) * l->sequences + at) * pitch;
    if (r->from == 0) {
        memset(kept[CELLS], 0, (size_t)(n * pitch) * sizeof(float));
        memset(kept[ODD], 0, (size_t)(n * pitch) * sizeof(float));
    }
    const float **gate = (const float **)(void *)scratch;
    const float *weight = weights_of(&l->recurrent[direction], k,
                                     scratch + dmx_round_up(2 * r->group, 16));
    for (int64_t i = r->from; i < r->to; i++) {
        const int64_t s = direction == 0 ? i : width - 1 - i;
        find_gates(gate, l, dmx_read(f, step->in[GATES]), gates->stride,
                   direction, at, n, s);
        dmx_lstm_cell cell = {
            .n = n,
            .k = l->padded,
            .gate = gate,
            .before = kept[EVEN + (i + 1) % 2],
            .state = kept[CELLS],
            .after = kept[EVEN + i % 2],
            .pitch = pitch,
            .out = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
                   (at * width + s) * out->stride + direction * l->padded,
            .step = width * out->stride,
        };
        run_tiles(l, k, &cell, weight, i % 2 != 0);
    }
}

/* Small groups reuse weights poorly, so there are no more groups than the
 * threads need. */
static void choose_groups(recurrence_step *r, int64_t threads)
{
    const int64_t n = r->layer->sequences;
    const int64_t groups = dmx_max(1, dmx_min((threads + 1) / 2, n / 4));
    r->group = (n + groups - 1) / groups;
    r->groups = (n + r->group - 1) / r->group;
}

static dmx_status add_piece(struct dmx_engine *e, const char *path,
                            const recurrence_step *piece, const dmx_buf in[2],
                            dmx_buf out, double flops, dmx_error *err)
{
    const dmx_lstm_layer *l = piece->layer;
    recurrence_step *r = dmx_program_parameters(e, sizeof *r, err);
    if (r == NULL)
        return DMX_ERROR_MEMORY;
    *r = *piece;
    dmx_step step = {
        .kind = "lstm",
        .path = path,
        .run = run_recurrence,
        .parameters = r,
        .in = {[GATES] = in[0], [STATE] = in[1]},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = 2 * r->groups,
        .scratch = dmx_round_up(2 * r->group, 16),
        .flops = flops * (double)(r->to - r->from),
    };
    for (int d = 0; d < 2; d++)
        if (l->recurrent[d].format != DMX_WEIGHTS_FLOAT32)
            step.scratch =
                dmx_round_up(2 * r->group, 16) + weight_floats(l) + 64;
    return dmx_program_add(e, &step, err);
}

dmx_status dmx_step_recurrence(struct dmx_engine *e, const char *path,
                               const dmx_lstm_layer *layer, dmx_buf gates,
                               dmx_buf out, dmx_error *err)
{
    const double hidden = (double)layer->hidden;
    const double flops = 16.0 * hidden * hidden * (double)layer->sequences;
    const int64_t width = layer->chunks.width;
    const int64_t piece = dmx_max(1, (int64_t)(STEP_FLOPS / flops));
    recurrence_step r = {.layer = layer};
    dmx_buf state;
    choose_groups(&r, e->threads);
    DMX_FORWARD(dmx_program_buffer(
        &state, e,
        dmx_plane_make(2 * KEPT, layer->sequences, dmx_lstm_pitch(layer)),
        err));
    for (r.from = 0; r.from < width; r.from = r.to) {
        r.to = dmx_min(r.from + piece, width);
        DMX_FORWARD(add_piece(e, path, &r, (const dmx_buf[2]){gates, state},
                              out, flops, err));
    }
    return DMX_OK;
}
