/* Small summaries of large arrays, enough to tell whether two arrays agree. */
#ifndef DMX_VERIFY_SKETCH_H
#define DMX_VERIFY_SKETCH_H

#include "graph/graph.h"

#define DMX_SKETCH_POINTS 256

/* The summary of one array: moments, which do not depend on its order, and some
 * of its elements, which do. */
typedef struct dmx_sketch {
    size_t count;
    double mean, rms, largest;
    double point[DMX_SKETCH_POINTS]; /* elements i * count / POINTS */
} dmx_sketch;

void dmx_sketch_f64(dmx_sketch *out, const double *data, size_t count);
void dmx_sketch_f32(dmx_sketch *out, const float *data, size_t count);

/* The distance of b from a, independent of their scale: the smaller of the
 * distance element by element, after the best common factor, and the distance
 * between the moments relative to the root mean square (the same numbers in
 * another order agree). An exporter may fold a constant factor into a
 * neighbouring operation or keep tokens in another order; both count as
 * agreement, while a real error shows in the next values. Infinite when the
 * counts differ. */
double dmx_sketch_distance(const dmx_sketch *a, const dmx_sketch *b);

/* One per value of a graph. */
typedef struct dmx_sketches {
    struct {
        const dmx_node *node;
        dmx_value value;
        dmx_sketch sketch;
    } * item;
    size_t count, capacity;
    bool failed; /* memory was short */
} dmx_sketches;

/* An observer for dmx_reference_options; user is a dmx_sketches. */
void dmx_sketches_observe(void *user, const dmx_node *node, dmx_value value,
                          const dmx_shape *shape, const double *data);
void dmx_sketches_clear(dmx_sketches *s);
void dmx_sketches_free(dmx_sketches *s);

#endif
