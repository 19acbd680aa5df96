/* Linear layers of a transformer in 8 bits: which ones, and their weights. */
#ifndef DMX_ONNX_INT8_H
#define DMX_ONNX_INT8_H

#include <stdint.h>

/* Classes of layers in which errors are alike; what goes back to float32 goes
 * back as a whole. */
enum {
    DMX_INT8_FEED = 1,    /* feed-forward blocks */
    DMX_INT8_HEADS = 2,   /* queries, keys and values of attention */
    DMX_INT8_RESULTS = 4, /* its output projections */
    DMX_INT8_ALL = DMX_INT8_FEED | DMX_INT8_HEADS | DMX_INT8_RESULTS,
};

/* Name of the class 1 << i, as metadata has it; NULL past the last. */
const char *dmx_int8_class(unsigned i);

/* What two neighbours of one sign may come to. x86 processors without VNNI add
 * the products of two neighbours in 16 bits that saturate (vpmaddubsw): bytes
 * of an activation are at most 255, and 255 * 128 is below 2^15. */
#define DMX_INT8_PAIR 128

/* The weights of one output, w[count], as integers q[count] of -127 to 127
 * times a step, which is returned; neighbours (0 and 1, 2 and 3, ...) keep
 * within DMX_INT8_PAIR. Of the steps that come into question, the one of the
 * least squared error. What is not finite becomes 0. */
double dmx_int8_quantise(int8_t *q, const float *w, int64_t count);

#endif
