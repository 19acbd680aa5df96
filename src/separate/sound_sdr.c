/* SDR: how close an estimate is to the true stem. */
#include "audio/reader.h"
#include "base/memory.h"

#include <math.h>

#define BLOCK 8192

typedef struct pair {
    dmx_audio_reader *reader[2]; /* truth, estimate */
    float *memory;
    float *plane[2][DMX_AUDIO_MAX_CHANNELS];
    int channels;
    double signal, noise;
} pair;

static dmx_status open_pair(pair *p, const char *const *path, dmx_error *err)
{
    for (int i = 0; i < 2; i++)
        DMX_FORWARD(dmx_audio_reader_open(&p->reader[i], path[i], NULL, err));
    const dmx_audio_info *a = dmx_audio_reader_info(p->reader[0]);
    const dmx_audio_info *b = dmx_audio_reader_info(p->reader[1]);
    DMX_RETURN_IF(a->rate != b->rate || a->channels != b->channels, err,
                  DMX_ERROR_ARGUMENT,
                  "%s and %s differ in sample rate or channels", path[0],
                  path[1]);
    p->channels = a->channels;
    p->memory =
        dmx_aligned_alloc(2 * (size_t)a->channels * BLOCK, sizeof(float));
    DMX_RETURN_IF(p->memory == NULL, err, DMX_ERROR_MEMORY, "no memory");
    for (int i = 0; i < 2; i++)
        for (int c = 0; c < a->channels; c++)
            p->plane[i][c] =
                p->memory + ((size_t)(i * a->channels) + (size_t)c) * BLOCK;
    return DMX_OK;
}

static void add_block(pair *p, size_t frames)
{
    for (int c = 0; c < p->channels; c++)
        for (size_t t = 0; t < frames; t++) {
            const double truth = (double)p->plane[0][c][t];
            const double error = truth - (double)p->plane[1][c][t];
            p->signal += truth * truth;
            p->noise += error * error;
        }
}

static dmx_status compare(pair *p, const char *const *path, dmx_error *err)
{
    DMX_FORWARD(open_pair(p, path, err));
    for (;;) {
        size_t got[2];
        for (int i = 0; i < 2; i++)
            DMX_FORWARD(dmx_audio_reader_read(p->reader[i], p->plane[i], BLOCK,
                                              &got[i], err));
        DMX_RETURN_IF(got[0] != got[1], err, DMX_ERROR_ARGUMENT,
                      "%s and %s differ in length", path[0], path[1]);
        if (got[0] == 0)
            return DMX_OK;
        add_block(p, got[0]);
    }
}

dmx_status dmx_sound_sdr(double *out, const char *truth, const char *estimate,
                         dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = 0;
    DMX_NEED(err, truth);
    DMX_NEED(err, estimate);
    const char *const path[2] = {truth, estimate};
    pair p = {0};
    const dmx_status status = compare(&p, path, err);
    dmx_audio_reader_close(p.reader[0]);
    dmx_audio_reader_close(p.reader[1]);
    dmx_aligned_free(p.memory);
    if (status == DMX_OK)
        *out = 10 * log10(p.signal / p.noise);
    return status;
}
