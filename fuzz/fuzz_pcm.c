/* Headers of plain samples, and the tags before a sound. */
#include "audio/pcm_file.h"
#include "fuzz_open.h"

#include "audio/matroska_tags.h"
#include "audio/ogg_links.h"
#include "audio/reader.h"
#include "audio/tag_flood.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is found lies inside the file and is plausible. */
static void check_file(const dmx_pcm_file *f, int64_t size)
{
    const int64_t frame = (int64_t)dmx_raw_frame_size(&f->raw);
    if (f->raw.channels < 1 || f->raw.channels > DMX_AUDIO_MAX_CHANNELS ||
        f->raw.rate < 1 || f->frames < 1 || f->offset < 0 || f->more < 0 ||
        f->offset > size || f->frames > (size - f->offset) / frame ||
        f->container == NULL)
        abort();
}

/* Reads in blocks, as a library does. */
static void weigh_tags(const dmx_span *span)
{
    dmx_matroska_tags tags = {0};
    unsigned char block[512];
    size_t n = 1;
    for (int64_t at = 0; n > 0 && at < span->size; at += (int64_t)n) {
        n = dmx_span_read(span, at, block, sizeof block);
        if (dmx_matroska_flood(&tags, span, block, at, n))
            break;
    }
    if (tags.count > DMX_MATROSKA_MAX_TAGS)
        abort();
}

static void look(int fd, int64_t size)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_pcm_file file;
    bool found;
    int64_t skip, at = 0, end;
    const dmx_span span = {.fd = fd, .size = size};
    if (dmx_pcm_find(&file, &found, fd, size, "x", &err) == DMX_OK && found)
        check_file(&file, size);
    if (dmx_tag_flood_check(&skip, &span, "x", &err) == DMX_OK &&
        (skip < 0 || skip > size))
        abort();
    weigh_tags(&span);
    while (at < size) {
        if (dmx_ogg_link_end(&end, fd, at, size, "x", &err) != DMX_OK ||
            end <= at || end > size)
            abort();
        at = end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int fd = memfd_create("sound", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    if (write(fd, data, size) == (ssize_t)size)
        look(fd, (int64_t)size);
    close(fd);
    return 0;
}
