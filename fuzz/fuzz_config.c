/* Files of constructor arguments, JSON or YAML. */
#include "fuzz_file.h"

#include "fuzz_open.h"

#include "arch/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    dmx_json *arguments = NULL;
    dmx_error err = DMX_ERROR_INIT;
    const int fd = fuzz_file(path, data, size);
    if (dmx_arguments_read_file(&arguments, path, "htdemucs", &err) == DMX_OK) {
        char *text = dmx_json_print(arguments);
        free(text);
    } else if (arguments != NULL || err.message[0] == '\0') {
        abort();
    }
    dmx_json_free(arguments);
    close(fd);
    return 0;
}
