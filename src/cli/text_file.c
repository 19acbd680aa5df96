#include "text_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool cli_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int cli_write_text(cli_terminal *t, const char *path, const char *text)
{
    dmx_error err = DMX_ERROR_INIT;
    const size_t length = strlen(text);
    char *line = malloc(length + 2);
    if (line == NULL) {
        cli_error(t, "%s: no memory", path);
        return CLI_FAILED;
    }
    memcpy(line, text, length);
    memcpy(line + length, "\n", 2);
    const dmx_status status = dmx_write_file(path, line, length + 1, &err);
    free(line);
    if (status == DMX_OK)
        return CLI_DONE;
    cli_error(t, "%s", err.message);
    return CLI_FAILED;
}
