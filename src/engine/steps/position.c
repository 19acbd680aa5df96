/* The positional table of tokens that came from frequency rows: half of its
 * channels depend on the frame, half on the row. It is written out when it is
 * needed, in the order of rows; kept, it would be megabytes. */
#include "engine/steps/steps.h"

#include <string.h>

typedef struct position_step {
    const float *by_frame, *by_row; /* [half][frames], [half][rows] */
    int64_t frames, rows, half;
} position_step;

static void run_position(const dmx_step *step, const dmx_frame *f, int64_t task,
                         float *scratch)
{
    (void)scratch;
    const position_step *p = step->parameters;
    float *y =
        dmx_at(f, step->out[0]) + task * dmx_plane_of(f, step->out[0])->stride;
    for (int64_t r = 0; r < p->rows; r++, y += p->frames) {
        if (task < p->half) {
            memcpy(y, p->by_frame + task * p->frames,
                   (size_t)p->frames * sizeof *y);
            continue;
        }
        for (int64_t t = 0; t < p->frames; t++)
            y[t] = p->by_row[(task - p->half) * p->rows + r];
    }
}

/* [count][half] to [half][count] */
static const float *turn(struct dmx_engine *e, const float *table,
                         int64_t count, int64_t half)
{
    float *out = dmx_engine_floats(e, count * half);
    for (int64_t i = 0; out != NULL && i < count; i++)
        for (int64_t d = 0; d < half; d++)
            out[d * count + i] = table[i * half + d];
    return out;
}

bool dmx_step_position(struct dmx_engine *e, const char *path, dmx_buf out,
                       const float *by_frame, int64_t frames,
                       const float *by_row, int64_t rows)
{
    const int64_t half = e->buffer[out].plane.channels / 2;
    position_step *p = dmx_engine_parameters(e, sizeof *p);
    dmx_step *step = dmx_engine_step(e, "position", path);
    if (p == NULL || step == NULL)
        return false;
    p->by_frame = turn(e, by_frame, frames, half);
    p->by_row = turn(e, by_row, rows, half);
    p->frames = frames;
    p->rows = rows;
    p->half = half;
    step->run = run_position;
    step->parameters = p;
    step->out[0] = out;
    step->tasks = 2 * half;
    return p->by_frame != NULL && p->by_row != NULL;
}
