/* An engine's precision as one line of text. */
#ifndef DMX_CLI_PRECISION_TEXT_H
#define DMX_CLI_PRECISION_TEXT_H

#include "terminal.h"

#include <cJSON.h>
#include <stddef.h>

/* What a line takes, whatever each class of layers computes in. */
#define CLI_PRECISION_LINE 512

/* For a document of dmx_engine_precision_json: "int16: 67.1 dB of 60 promised,
 * avx512vnni; attention float32", or "int16: this model ...". */
void cli_precision_line(char *out, size_t size, const cJSON *document);

/* A line for each model of dmx_separator_precision_json (may be NULL): a
 * detail, unless what was asked for could not be met. */
void cli_tell_precision(cli_terminal *t, const char *json);

#endif
