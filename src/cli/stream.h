/* The parts of `demucs-onnx stream`. */
#ifndef DMX_CLI_STREAM_H
#define DMX_CLI_STREAM_H

#include "command.h"
#include "hub_options.h"
#include "model_options.h"

#include <stdbool.h>

typedef struct stream_options {
    cli_model_options model;
    const char *name;
    cli_hub_options hub;
    const char *engine, *precision, *onnxruntime, *providers;
    int64_t threads, covers;
    double segment, hop, lookahead, fade; /* negative: not given */
    const char *latency, *stem, *raw, *bits;
    cli_list fd;
    int live, dry, jack;
    const char *evaluate, *compare;
    double seconds;
} stream_options;

/* An open model and its planned outputs. */
typedef struct stream_run {
    cli_terminal *t;
    const stream_options *o;
    dmx_separator *separator;
    dmx_pipe_output output[DMX_SONG_OUTPUTS];
    double *gain; /* [outputs][stems] */
    size_t outputs;
    double run_seconds; /* measured */
    int64_t xruns;      /* of JACK's server */
} stream_run;

/* Opens the model with segments for the wanted latency, or (whole) with those
 * of its training, padded. */
dmx_status stream_open_separator(dmx_separator **out, cli_terminal *t,
                                 const stream_options *o, bool whole,
                                 dmx_error *err);

/* Assigns stems to outputs: CLI_DONE, or CLI_USAGE after a message. */
int stream_plan_outputs(stream_run *r);

/* Sets the hop and related options: measured, or as given, with a warning when
 * this machine cannot sustain it. */
dmx_status stream_choose_hop(stream_run *r, dmx_stream_options *s,
                             dmx_error *err);

/* What the stream was: a line, or JSON. */
void stream_tell(const stream_run *r, const dmx_pipe_report *report,
                 const dmx_stream_statistics *statistics);

/* `--jack`: opens the model and plays until Ctrl-C. */
dmx_status stream_jack(stream_run *r, dmx_error *err);

/* `--evaluate`; returns an exit code. */
int stream_evaluate(cli_terminal *t, const stream_options *o);

#endif
