/* The decimal numbers and escaped strings of pickle's text opcodes. */
#ifndef DMX_CHECKPOINT_PICKLE_TEXT_H
#define DMX_CHECKPOINT_PICKLE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum dmx_parsed {
    DMX_PARSED,
    DMX_PARSED_HUGE, /* a number, but not an int64 */
    DMX_PARSED_BAD,
} dmx_parsed;

/* The whole text is one decimal integer with an optional sign. */
dmx_parsed dmx_parse_decimal(int64_t *out, const char *text, size_t size);

/* The whole text is one floating-point number, in the C locale. */
bool dmx_parse_real(double *out, const char *text, size_t size);

/* Replaces backslash escapes; out has room for `size` bytes. False when an
 * escape is malformed. */
typedef bool dmx_unescape(char *out, size_t *out_size, const char *text,
                          size_t size);
dmx_unescape dmx_unescape_bytes;   /* Python 2's str: \n \' \x41 ... */
dmx_unescape dmx_unescape_unicode; /* raw-unicode-escape: only \u, \U; Latin-1
                                      bytes are taken as they are */

#endif
