/* An engine's precision as one line of text. */
#ifndef DMX_CLI_PRECISION_TEXT_H
#define DMX_CLI_PRECISION_TEXT_H

#include <cJSON.h>
#include <stddef.h>

/* For a document of dmx_engine_precision_json: "int16: 67.1 dB of 60 promised,
 * avx512vnni; attention float32", or "int16: this model ...". */
void cli_precision_line(char *out, size_t size, const cJSON *document);

#endif
