/* A loaded model, its stream, and the mix delayed by the same latency. */
#ifndef DMX_PLUGIN_ENGINE_H
#define DMX_PLUGIN_ENGINE_H

#include "demucs_onnx.h"
#include "settings.h"

typedef struct plug_engine {
    dmx_separator *separator;
    dmx_stream_options options;
    dmx_stream *stream; /* NULL: loading failed */
    size_t stems;
    int channels; /* of the model: 1 or 2 */
    int64_t latency;
    unsigned generation;
    bool used;
    /* The mix, delayed by `latency`: rings of mask + 1 frames. */
    float *dry[2];
    int64_t mask, time;
} plug_engine;

/* What the host and the plug-in can take. */
typedef struct plug_limits {
    size_t stems;
    double rate;
    int64_t block;
} plug_limits;

/* *out is set unless memory is short; on failure it has no stream. */
dmx_status plug_engine_open(plug_engine **out, const plug_settings *settings,
                            const plug_limits *limits, dmx_error *err);
/* Resets a stream that has played, as after the transport has stopped. */
dmx_status plug_engine_renew(plug_engine *engine, dmx_error *err);
void plug_engine_close(plug_engine *engine);

/* Audio thread: stores in[c][0 .. n) and returns the mix of `latency` frames
 * ago. */
void plug_engine_delay(plug_engine *engine, float *const dry[2],
                       const float *const in[2], uint32_t n);

#endif
