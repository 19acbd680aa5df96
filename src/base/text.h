/* Untrusted text - from files, servers, or file names - made safe for a
 * terminal, a log or a JSON document. The filters themselves are public:
 * dmx_text_printable, dmx_text_json. */
#ifndef DMX_BASE_TEXT_H
#define DMX_BASE_TEXT_H

#include "demucs_onnx.h"

#include <stdbool.h>

/* Bytes of the UTF-8 sequence at `text` (zero-terminated), its code point in
 * *code; 0 when the bytes are not UTF-8 (RFC 3629: no overlong forms, no
 * surrogates); *code is then the first byte. */
size_t dmx_utf8(uint32_t *code, const char *text);

/* Whether a code point prints as itself and does not affect the text around it:
 * false for controls (C0, DEL, C1), line and paragraph separators,
 * bidirectional controls and other invisible format characters that can
 * disguise a text. */
bool dmx_code_is_printable(uint32_t code);

#endif
