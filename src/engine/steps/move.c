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
    const dmx_plane *in = dmx_plane_of(f, step->in[0]);
    const dmx_plane *out = dmx_plane_of(f, step->out[0]);
    const int64_t from_row = row + s->shift[0];
    const int64_t first = dmx_max(0, -s->shift[2]);
    const int64_t last = dmx_min(out->cols, in->cols - s->shift[2]);
    for (int64_t c = 0; c < out->channels; c++) {
        const int64_t from = c + s->shift[1];
        const bool inside = from_row >= 0 && from_row < in->rows && from >= 0 &&
                            from < in->channels;
        float *y =
            dmx_at(f, step->out[0]) + (row * out->channels + c) * out->stride;
        if (s->zero)
            memset(y, 0, (size_t)out->cols * sizeof *y);
        if (!inside || last <= first)
            continue;
        const float *x = dmx_at(f, step->in[0]) +
                         (from_row * in->channels + from) * in->stride;
        memcpy(y + first, x + first + s->shift[2],
               (size_t)(last - first) * sizeof *y);
    }
}

static dmx_step *add_move(struct dmx_engine *e, const char *kind,
                          const char *path, dmx_buf in, dmx_buf out)
{
    dmx_step *step = dmx_engine_step(e, kind, path);
    if (step == NULL)
        return NULL;
    step->in[0] = in;
    step->out[0] = out;
    step->tasks = e->buffer[out].plane.rows;
    return step;
}

bool dmx_step_shift(struct dmx_engine *e, const char *kind, const char *path,
                    dmx_buf in, dmx_buf out, const int64_t shift[3], bool zero)
{
    shift_step *s = dmx_engine_parameters(e, sizeof *s);
    dmx_step *step = add_move(e, kind, path, in, out);
    if (s == NULL || step == NULL)
        return false;
    memcpy(s->shift, shift, sizeof s->shift);
    s->zero = zero;
    step->parameters = s;
    step->run = run_shift;
    return true;
}

/* Element (c, r, t) has the row-major index (c * rows + r) * cols + t. */
static void run_reshape(const dmx_step *step, const dmx_frame *f, int64_t row,
                        float *scratch)
{
    (void)scratch;
    const dmx_plane *in = dmx_plane_of(f, step->in[0]);
    const dmx_plane *out = dmx_plane_of(f, step->out[0]);
    const float *x = dmx_at(f, step->in[0]);
    for (int64_t c = 0; c < out->channels; c++) {
        float *y =
            dmx_at(f, step->out[0]) + (row * out->channels + c) * out->stride;
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

bool dmx_step_reshape(struct dmx_engine *e, const char *path, dmx_buf in,
                      dmx_buf out)
{
    dmx_step *step = add_move(e, "reshape", path, in, out);
    if (step == NULL)
        return false;
    step->run = run_reshape;
    return true;
}

/* Between [F][C][T] and [1][C][F * T]: task is a frequency row. */
static void run_tokens(const dmx_step *step, const dmx_frame *f, int64_t row,
                       float *scratch)
{
    (void)scratch;
    const dmx_plane *in = dmx_plane_of(f, step->in[0]);
    const dmx_plane *out = dmx_plane_of(f, step->out[0]);
    const bool flatten = in->cols <= out->cols;
    const dmx_plane *s = flatten ? in : out;
    const float *x = dmx_at(f, step->in[0]);
    float *y = dmx_at(f, step->out[0]);
    for (int64_t c = 0; c < s->channels; c++) {
        const int64_t signal = (row * s->channels + c) * s->stride;
        const int64_t token = c * (flatten ? out : in)->stride + row * s->cols;
        memcpy(y + (flatten ? token : signal), x + (flatten ? signal : token),
               (size_t)s->cols * sizeof *y);
    }
}

bool dmx_step_tokens(struct dmx_engine *e, const char *path, dmx_buf in,
                     dmx_buf out)
{
    dmx_step *step = add_move(e, "tokens", path, in, out);
    if (step == NULL)
        return false;
    step->tasks = dmx_max(e->buffer[in].plane.rows, e->buffer[out].plane.rows);
    step->run = run_tokens;
    return true;
}

typedef struct reorder_step {
    int64_t from, to;
} reorder_step;

/* Position of the graph's token i when it has `rows` frequency rows. */
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
    const dmx_plane *p = dmx_plane_of(f, step->out[0]);
    dmx_reorder_tokens(dmx_at(f, step->out[0]) + channel * p->stride,
                       dmx_at(f, step->in[0]) + channel * p->stride, r->from,
                       r->to, p->cols);
}

bool dmx_step_reorder(struct dmx_engine *e, const char *path, dmx_buf in,
                      dmx_buf out, int64_t from, int64_t to)
{
    reorder_step *r = dmx_engine_parameters(e, sizeof *r);
    dmx_step *step = add_move(e, "reorder", path, in, out);
    if (r == NULL || step == NULL)
        return false;
    *r = (reorder_step){from, to};
    step->parameters = r;
    step->run = run_reorder;
    step->tasks = e->buffer[out].plane.channels;
    return true;
}
