/* Whole sound files, through every decoder the FFmpeg libraries have. */
#include "fuzz_open.h"

#include "audio/reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK = 4096 };

/* Two passes must give the same number of finite samples. */
static int64_t pass(dmx_audio_reader *reader, dmx_error *err)
{
    static float memory[DMX_AUDIO_MAX_CHANNELS][BLOCK];
    float *planes[DMX_AUDIO_MAX_CHANNELS];
    const int channels = dmx_audio_reader_info(reader)->channels;
    for (int c = 0; c < channels; c++)
        planes[c] = memory[c];
    size_t got = 1;
    while (got > 0) {
        if (dmx_audio_reader_read(reader, planes, BLOCK, &got, err) != DMX_OK)
            return -1;
        for (int c = 0; c < channels; c++)
            for (size_t i = 0; i < got; i++)
                if (!isfinite(memory[c][i]))
                    abort();
    }
    return dmx_audio_reader_position(reader);
}

static void read_twice(const char *path)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_reader_options options = DMX_AUDIO_READER_OPTIONS_INIT;
    dmx_audio_reader *reader;
    options.max_seconds = 60;
    if (dmx_audio_reader_open(&reader, path, &options, &err) == DMX_OK) {
        const int64_t first = pass(reader, &err);
        if (first >= 0 && dmx_audio_reader_rewind(reader, &err) == DMX_OK &&
            pass(reader, &err) != first)
            abort();
    }
    if (err.code != DMX_OK &&
        (err.message[0] == '\0' || strchr(err.message, '\n') != NULL))
        abort();
    dmx_audio_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const int fd = memfd_create("sound", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (write(fd, data, size) == (ssize_t)size)
        read_twice(path);
    close(fd);
    return 0;
}
