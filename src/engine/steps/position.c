/* The positional table of tokens that came from frequency rows: half of its
 * channels depend on the frame, half on the row. It is expanded when needed, in
 * the order of rows; stored, it would take megabytes. */
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
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
               task * dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT])->stride;
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
static dmx_status transpose(const float **out, struct dmx_engine *e,
                            const float *table, int64_t count, int64_t half,
                            dmx_error *err)
{
    float *data;
    DMX_FORWARD(dmx_program_floats(&data, e, count * half, err));
    for (int64_t i = 0; i < count; i++)
        for (int64_t d = 0; d < half; d++)
            data[d * count + i] = table[i * half + d];
    *out = data;
    return DMX_OK;
}

dmx_status dmx_step_position(struct dmx_engine *e, const char *path,
                             dmx_buf out, const float *by_frame, int64_t frames,
                             const float *by_row, int64_t rows, dmx_error *err)
{
    const int64_t half = e->buffer[out].plane.channels / 2;
    position_step *p = dmx_program_parameters(e, sizeof *p, err);
    if (p == NULL)
        return DMX_ERROR_MEMORY;
    DMX_FORWARD(transpose(&p->by_frame, e, by_frame, frames, half, err));
    DMX_FORWARD(transpose(&p->by_row, e, by_row, rows, half, err));
    p->frames = frames;
    p->rows = rows;
    p->half = half;
    const dmx_step step = {
        .kind = "position",
        .path = path,
        .run = run_position,
        .parameters = p,
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = 2 * half,
    };
    return dmx_program_add(e, &step, err);
}
