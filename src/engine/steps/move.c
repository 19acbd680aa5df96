/* Steps that only move data. */
#include "engine/steps/steps.h"

#include <string.h>

typedef struct shift_step {
    int64_t shift[3]; /* rows, channels, columns */
    bool zero;
} shift_step;

/* One row of the output. */
static void run_shift(const dmx_step *step, const dmx_frame *f, int64_t row,
                      float *scratch)
{
    (void)scratch;
    const shift_step *s = step->parameters;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const int64_t from_row = row + s->shift[0];
    const int64_t first = dmx_max(0, -s->shift[2]);
    const int64_t last = dmx_min(out->cols, in->cols - s->shift[2]);
    for (int64_t c = 0; c < out->channels; c++) {
        const int64_t from = c + s->shift[1];
        const bool inside = from_row >= 0 && from_row < in->rows && from >= 0 &&
                            from < in->channels;
        float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
                   (row * out->channels + c) * out->stride;
        if (s->zero)
            memset(y, 0, (size_t)out->cols * sizeof *y);
        if (!inside || last <= first)
            continue;
        const float *x = dmx_read(f, step->in[DMX_SLOT_INPUT]) +
                         (from_row * in->channels + from) * in->stride;
        memcpy(y + first, x + first + s->shift[2],
               (size_t)(last - first) * sizeof *y);
    }
}

/* A task for each row of the output, unless the caller says otherwise. */
static dmx_step move_of(const struct dmx_engine *e, const char *kind,
                        const char *path, dmx_buf in, dmx_buf out)
{
    return (dmx_step){
        .kind = kind,
        .path = path,
        .in = {[DMX_SLOT_INPUT] = in},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = e->buffer[out].plane.rows,
    };
}

dmx_status dmx_step_shift(struct dmx_engine *e, const char *kind,
                          const char *path, dmx_buf in, dmx_buf out,
                          const int64_t shift[3], bool zero, dmx_error *err)
{
    shift_step *s = dmx_program_parameters(e, sizeof *s, err);
    if (s == NULL)
        return DMX_ERROR_MEMORY;
    memcpy(s->shift, shift, sizeof s->shift);
    s->zero = zero;
    dmx_step step = move_of(e, kind, path, in, out);
    step.parameters = s;
    step.run = run_shift;
    return dmx_program_add(e, &step, err);
}

/* Keeps the row-major index (c * rows + r) * cols + t of every element (c, r,
 * t). */
static void run_reshape(const dmx_step *step, const dmx_frame *f, int64_t row,
                        float *scratch)
{
    (void)scratch;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const float *x = dmx_read(f, step->in[DMX_SLOT_INPUT]);
    for (int64_t c = 0; c < out->channels; c++) {
        float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
                   (row * out->channels + c) * out->stride;
        int64_t index = (c * out->rows + row) * out->cols, n;
        for (int64_t t = 0; t < out->cols; t += n, index += n) {
            const int64_t col = index % in->cols, line = index / in->cols;
            const int64_t from = line / in->rows, r = line % in->rows;
            n = dmx_min(out->cols - t, in->cols - col);
            memcpy(y + t, x + (r * in->channels + from) * in->stride + col,
                   (size_t)n * sizeof *y);
        }
    }
}

dmx_status dmx_step_reshape(struct dmx_engine *e, const char *path, dmx_buf in,
                            dmx_buf out, dmx_error *err)
{
    dmx_step step = move_of(e, "reshape", path, in, out);
    step.run = run_reshape;
    return dmx_program_add(e, &step, err);
}

/* Between [F][C][T] and [1][C][F * T]: task is a frequency row. */
static void run_tokens(const dmx_step *step, const dmx_frame *f, int64_t row,
                       float *scratch)
{
    (void)scratch;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const bool flatten = in->cols <= out->cols;
    const dmx_plane *s = flatten ? in : out;
    const float *x = dmx_read(f, step->in[DMX_SLOT_INPUT]);
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]);
    for (int64_t c = 0; c < s->channels; c++) {
        const int64_t signal = (row * s->channels + c) * s->stride;
        const int64_t token = c * (flatten ? out : in)->stride + row * s->cols;
        memcpy(y + (flatten ? token : signal), x + (flatten ? signal : token),
               (size_t)s->cols * sizeof *y);
    }
}

dmx_status dmx_step_tokens(struct dmx_engine *e, const char *path, dmx_buf in,
                           dmx_buf out, dmx_error *err)
{
    dmx_step step = move_of(e, "tokens", path, in, out);
    step.tasks = dmx_max(e->buffer[in].plane.rows, step.tasks);
    step.run = run_tokens;
    return dmx_program_add(e, &step, err);
}

typedef struct reorder_step {
    int64_t from, to;
} reorder_step;

/* Position of the graph's token i among tokens of `rows` frequency rows. */
static int64_t place_of(int64_t i, int64_t rows, int64_t length)
{
    return i % rows * (length / rows) + i / rows;
}

void dmx_reorder_tokens(float *y, const float *x, int64_t from, int64_t to,
                        int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[place_of(i, to, n)] = x[place_of(i, from, n)];
}

static void run_reorder(const dmx_step *step, const dmx_frame *f,
                        int64_t channel, float *scratch)
{
    (void)scratch;
    const reorder_step *r = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    dmx_reorder_tokens(
        dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + channel * p->stride,
        dmx_read(f, step->in[DMX_SLOT_INPUT]) + channel * p->stride, r->from,
        r->to, p->cols);
}

dmx_status dmx_step_reorder(struct dmx_engine *e, const char *path, dmx_buf in,
                            dmx_buf out, int64_t from, int64_t to,
                            dmx_error *err)
{
    reorder_step *r = dmx_program_parameters(e, sizeof *r, err);
    if (r == NULL)
        return DMX_ERROR_MEMORY;
    *r = (reorder_step){from, to};
    dmx_step step = move_of(e, "reorder", path, in, out);
    step.parameters = r;
    step.run = run_reorder;
    step.tasks = e->buffer[out].plane.channels;
    return dmx_program_add(e, &step, err);
}

/* ---- the input again ----------------------------------------------------- */

/* One channel. */
static void run_input(const dmx_step *step, const dmx_frame *f, int64_t channel,
                      float *scratch)
{
    (void)scratch;
    dmx_copy_input(f, step->out[DMX_SLOT_OUTPUT], channel);
}

dmx_status dmx_step_input(struct dmx_engine *e, const char *path, dmx_buf out,
                          dmx_error *err)
{
    const dmx_step step = {
        .kind = "input",
        .path = path,
        .run = run_input,
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = e->buffer[out].plane.channels,
    };
    return dmx_program_add(e, &step, err);
}
