/* MP4 files to which the stems' names are added: what is written lies inside a
 * file that grew by one box, or nothing is written. */
#include "fuzz_open.h"

#include "audio/stem_box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void add(FILE *f, const uint8_t *data, size_t size)
{
    static const char *const name[DMX_STEM_COUNT] = {"a", "\"\\", "\xff", ""};
    const dmx_sink sink = {.stream = f, .name = "fuzz.mp4"};
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status = dmx_stem_box_add(&sink, name, &err);
    const long end =
        fflush(f) == 0 && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    if (status != err.code || end < (long)size ||
        (status == DMX_OK) != (end > (long)size))
        abort();
    uint8_t *after = malloc(size + 1);
    if (after != NULL && status != DMX_OK && size > 0 &&
        (fseek(f, 0, SEEK_SET) != 0 || fread(after, 1, size, f) != size ||
         memcmp(after, data, size) != 0))
        abort();
    free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int fd = memfd_create("stems", MFD_CLOEXEC);
    FILE *f = fd >= 0 ? fdopen(fd, "w+b") : NULL;
    if (f == NULL || fwrite(data, 1, size, f) != size)
        abort();
    add(f, data, size);
    fclose(f);
    return 0;
}
