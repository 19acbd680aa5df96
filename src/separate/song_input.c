#include "separate/song_input.h"
#include "base/memory.h"

#include <string.h>

#define BLOCK 8192

static dmx_status allocate(dmx_song_input *in, int decoded, dmx_error *err)
{
    const int planes = decoded + in->channels;
    in->memory = dmx_aligned_alloc((size_t)planes * BLOCK, sizeof(float));
    DMX_RETURN_IF(in->memory == NULL, err, DMX_ERROR_MEMORY,
                  "no memory to decode");
    for (int c = 0; c < decoded; c++)
        in->raw[c] = in->memory + (size_t)c * BLOCK;
    for (int c = 0; c < in->channels; c++)
        in->mixed[c] = in->memory + (size_t)(decoded + c) * BLOCK;
    return DMX_OK;
}

static dmx_status open_resampler(dmx_song_input *in, dmx_error *err)
{
    const int from = dmx_audio_reader_info(in->reader)->rate;
    dmx_resampler_close(in->resampler);
    in->resampler = NULL;
    return dmx_resampler_open(&in->resampler, from, in->rate, in->channels, -1,
                              err);
}

static dmx_status open_reader(dmx_audio_reader **out, const char *path,
                              const char *raw, int stream,
                              const dmx_hooks *hooks, dmx_error *err)
{
    dmx_audio_reader_options options = DMX_AUDIO_READER_OPTIONS_INIT;
    dmx_raw_spec spec;
    options.hooks = hooks;
    options.stream = stream;
    if (raw != NULL) {
        DMX_FORWARD(dmx_raw_parse(&spec, raw, err));
        options.raw = &spec;
    }
    return dmx_audio_reader_open(out, path, &options, err);
}

static dmx_status convert(dmx_song_input *in, dmx_error *err)
{
    const dmx_audio_info *info = dmx_audio_reader_info(in->reader);
    DMX_FORWARD(dmx_downmix_init(&in->downmix, info->channels, info->layout,
                                 in->channels, err));
    DMX_FORWARD(allocate(in, info->channels, err));
    return open_resampler(in, err);
}

dmx_status dmx_song_input_over(dmx_song_input *out, dmx_audio_reader *reader,
                               int rate, int channels, dmx_error *err)
{
    *out =
        (dmx_song_input){.reader = reader, .rate = rate, .channels = channels};
    const dmx_status status = convert(out, err);
    if (status == DMX_OK)
        return DMX_OK;
    out->reader = NULL; /* stays the caller's */
    dmx_song_input_close(out);
    return status;
}

dmx_status dmx_song_input_open(dmx_song_input *out, const char *path,
                               const char *raw, int stream, int rate,
                               int channels, const dmx_hooks *hooks,
                               dmx_error *err)
{
    *out = (dmx_song_input){0};
    dmx_audio_reader *reader = NULL;
    DMX_FORWARD(open_reader(&reader, path, raw, stream, hooks, err));
    const dmx_status status =
        dmx_song_input_over(out, reader, rate, channels, err);
    if (status != DMX_OK)
        dmx_audio_reader_close(reader);
    return status;
}

void dmx_song_input_close(dmx_song_input *in)
{
    dmx_resampler_close(in->resampler);
    dmx_audio_reader_close(in->reader);
    dmx_aligned_free(in->memory);
    *in = (dmx_song_input){0};
}

static dmx_status next_block(dmx_song_input *in, dmx_error *err)
{
    in->used = 0;
    DMX_FORWARD(
        dmx_audio_reader_read(in->reader, in->raw, BLOCK, &in->have, err));
    in->ended = in->have == 0;
    if (in->ended)
        return DMX_OK;
    dmx_downmix_apply(&in->downmix, in->mixed, (const float *const *)in->raw,
                      in->have);
    if (in->tap == NULL)
        return DMX_OK;
    return in->tap(in->tap_user, (const float *const *)in->mixed, in->have,
                   err);
}

dmx_status dmx_song_input_read(dmx_song_input *in, float *const *planes,
                               size_t capacity, size_t *got, dmx_error *err)
{
    *got = 0;
    while (*got == 0) {
        if (!in->ended && in->used == in->have)
            DMX_FORWARD(next_block(in, err));
        const float *rest[2] = {in->mixed[0] + in->used, NULL};
        if (in->channels > 1)
            rest[1] = in->mixed[1] + in->used;
        size_t used = 0;
        DMX_FORWARD(dmx_resampler_process(in->resampler,
                                          in->ended ? NULL : rest,
                                          in->ended ? 0 : in->have - in->used,
                                          &used, planes, capacity, got, err));
        in->used += used;
        if (in->ended && *got == 0)
            break;
    }
    return DMX_OK;
}

dmx_status dmx_song_input_rewind(dmx_song_input *in, dmx_error *err)
{
    in->have = in->used = 0;
    in->ended = false;
    DMX_FORWARD(dmx_audio_reader_rewind(in->reader, err));
    return open_resampler(in, err);
}
