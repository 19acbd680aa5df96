/* JSON: what is read prints as text that reads the same, is UTF-8 and shows no
 * control character. */
#include "fuzz_open.h"

#include "base/json.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static void check_text(const char *text)
{
    while (*text != '\0') {
        uint32_t code;
        const size_t n = dmx_utf8(&code, text);
        if (n == 0 || !dmx_code_is_printable(code))
            abort();
        text += n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dmx_json *value = dmx_json_read_bytes((const char *)data, size);
    char *text = dmx_json_print_compact(value);
    if (text != NULL) {
        check_text(text);
        dmx_json *again = dmx_json_read(text);
        char *copy = dmx_json_print_compact(again);
        /* An escape for a byte that is not UTF-8 becomes a character. */
        const bool mended = strstr(text, "\\ufffd") != NULL;
        if (copy == NULL || (!mended && strcmp(copy, text) != 0))
            abort();
        free(copy);
        dmx_json_free(again);
    }
    free(text);
    dmx_json_free(value);
    return 0;
}
