/* One track from the host, and its stems back to it. */
#include "module.h"
#include "state.h"

#include "base/hash.h"
#include "base/memory.h"
#include "hub/bag.h"
#include "separate/exact_sum.h"

#include <stdlib.h>
#include <string.h>

static dmx_status on_read(void *user, float *const *planes, size_t capacity,
                          size_t *got, dmx_error *err)
{
    (void)user;
    const int frames = host_read(planes, capacity);
    DMX_RETURN_IF(frames < 0 || (size_t)frames > capacity, err, DMX_ERROR_IO,
                  "the track can't be read");
    *got = (size_t)frames;
    return DMX_OK;
}

static dmx_status on_rewind(void *user, dmx_error *err)
{
    (void)user;
    DMX_RETURN_IF(host_rewind() != 0, err, DMX_ERROR_IO,
                  "the track can't be read again");
    return DMX_OK;
}

/* The planes belong to the separator, which does not use them afterwards. */
void web_make_exact(const dmx_separator *s, const float *const *stems,
                    const float *const *mix, size_t frames)
{
    float *row[DMX_BAG_SOURCES];
    const size_t channels = (size_t)dmx_separator_channels(s);
    const size_t n = dmx_separator_stems(s);
    for (size_t c = 0; c < channels; c++) {
        for (size_t i = 0; i < n; i++)
            memcpy(&row[i], &stems[i * channels + c], sizeof row[i]);
        dmx_exact_sum_float(row, n, mix[c], frames);
    }
}

static dmx_status on_write(void *user, const float *const *stems,
                           const float *const *mix, size_t frames,
                           dmx_error *err)
{
    const dmx_separator *exact = user;
    if (exact != NULL)
        web_make_exact(exact, stems, mix, frames);
    DMX_RETURN_IF(host_write(stems, frames) != 0, err, DMX_ERROR_IO,
                  "the stems can't be taken");
    return DMX_OK;
}

dmx_status web_check_exact(const dmx_separator *separator, dmx_error *err)
{
    const size_t stems = dmx_separator_stems(separator);
    DMX_RETURN_IF(stems != dmx_separator_sources(separator) ||
                      stems > DMX_BAG_SOURCES,
                  err, DMX_ERROR_ARGUMENT,
                  "stems sum to the mix only when all are wanted");
    return DMX_OK;
}

int web_separate(dmx_separator *separator, double frames, int exact_sum)
{
    const dmx_hooks hooks = web_hooks();
    dmx_error *err = web_last_error();
    dmx_separator_io io = DMX_SEPARATOR_IO_INIT;
    io.read = on_read;
    io.rewind = on_rewind;
    io.write = on_write;
    io.frames = (int64_t)frames;
    if (exact_sum != 0)
        io.user = separator;
    dmx_error_clear(err);
    if (exact_sum != 0 && web_check_exact(separator, err) != DMX_OK)
        return 1;
    return dmx_separator_run(separator, &io, &hooks, err) != DMX_OK;
}

void *web_alloc(size_t bytes)
{
    return dmx_aligned_alloc(bytes, 1);
}

void web_free(void *p)
{
    dmx_aligned_free(p);
}

void web_free_text(char *text)
{
    free(text);
}

void *web_sha256_open(void)
{
    return dmx_sha256_open();
}

void web_sha256_update(void *state, const void *data, size_t size)
{
    dmx_sha256_update(state, data, size);
}

void web_sha256_finish(void *state, char *hex)
{
    dmx_sha256_finish(state, hex);
}
