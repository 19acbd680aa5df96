/* The client of `stream --jack`, shared by what opens it and what runs on
 * JACK's threads. */
#ifndef DMX_CLI_STREAM_JACK_H
#define DMX_CLI_STREAM_JACK_H

#include "jack_api.h"
#include "stream.h"

#include <stdatomic.h>

enum { JACK_MOST_PORTS = 64, JACK_CHUNK = 1024 };

typedef struct jack_client {
    cli_jack_api jack;
    jack_client_t *handle;
    stream_run *run;
    dmx_stream_options options;
    int64_t block;         /* frames that `stream` was opened for */
    size_t channels, rows; /* of the model; of all stems */
    bool sums;             /* all stems go into one output */
    jack_port_t *in[JACK_MOST_PORTS], *out[JACK_MOST_PORTS];
    size_t outs;
    float *memory; /* [rows][JACK_CHUNK], of a sum */

    /* Held by whoever uses `stream`: process, which gives silence rather than
     * wait, or the main thread while it opens another one. */
    _Atomic bool held;
    dmx_stream *stream;
    _Atomic int64_t latency; /* of `stream` */

    _Atomic int64_t frames, xruns;
    _Atomic int64_t wanted_block; /* of the server */
    _Atomic bool gone;            /* the server */
} jack_client;

/* Tells JACK what to call, before the client is activated. */
void stream_jack_set_callbacks(jack_client *client);

#endif
