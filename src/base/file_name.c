/* Turns untrusted names into safe file names. */
#include "base/text.h"

#include <string.h>

static bool is_allowed(uint32_t code)
{
    return dmx_code_is_printable(code) && code != '/' && code != '\\';
}

/* Characters not allowed at either end of a name: a dot hides the file or names
 * a folder, and blanks get lost. */
static bool is_unsafe_at_end(char c)
{
    return c == '.' || c == ' ';
}

static void replace_unsafe_ends(char *name, size_t length)
{
    for (char *c = name; is_unsafe_at_end(*c); c++)
        *c = '_';
    for (size_t n = length; n > 0 && is_unsafe_at_end(name[n - 1]); n--)
        name[n - 1] = '_';
}

void dmx_safe_file_name(char out[DMX_FILE_NAME_SIZE], const char *text,
                        size_t most)
{
    size_t used = 0;
    if (out == NULL)
        return;
    if (text == NULL)
        text = "";
    while (*text != '\0') {
        uint32_t code;
        const size_t found = dmx_utf8(&code, text);
        const size_t length = found > 0 ? found : 1;
        const bool good = found > 0 && is_allowed(code);
        const size_t takes = good ? length : 1;
        if (used + takes > most || used + takes >= DMX_FILE_NAME_SIZE)
            break;
        memcpy(out + used, good ? text : "_", takes);
        used += takes;
        text += length;
    }
    if (used == 0)
        out[used++] = '_';
    out[used] = '\0';
    replace_unsafe_ends(out, used);
}

int dmx_is_safe_file_name(const char *text)
{
    char safe[DMX_FILE_NAME_SIZE];
    if (text == NULL)
        return 0;
    dmx_safe_file_name(safe, text, sizeof safe - 1);
    return strcmp(safe, text) == 0;
}
