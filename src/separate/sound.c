/* The public functions for sound files: decoding as dmx_separate_song decodes
 * songs, encoding as it encodes stems. */
#include "audio/bitrate.h"
#include "audio/reader.h"
#include "audio/writer.h"
#include "base/options.h"
#include "separate/song_input.h"

#include <stdbool.h>
#include <stdlib.h>

struct dmx_sound {
    dmx_audio_reader *reader; /* also the input's, when there is one */
    dmx_song_input input;
    bool converted; /* read through the input */
};

static dmx_status check_planes(const float *const *planes, int channels,
                               const char *function, dmx_error *err)
{
    for (int c = 0; c < channels; c++)
        DMX_RETURN_IF(planes[c] == NULL, err, DMX_ERROR_ARGUMENT,
                      "%s: plane %d of %d is NULL", function, c, channels);
    return DMX_OK;
}

/* ------------------------------------------------------------------- read */

dmx_status dmx_sound_open_stream(dmx_sound **out, const char *path, int stream,
                                 const dmx_hooks *hooks, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, path);
    DMX_RETURN_IF(stream < 0, err, DMX_ERROR_ARGUMENT,
                  "%s: there is no audio stream %d", path, stream);
    dmx_audio_reader_options o = DMX_AUDIO_READER_OPTIONS_INIT;
    o.hooks = hooks;
    o.stream = stream;
    dmx_sound *s = calloc(1, sizeof *s);
    DMX_RETURN_IF(s == NULL, err, DMX_ERROR_MEMORY, "%s: no memory", path);
    const dmx_status status = dmx_audio_reader_open(&s->reader, path, &o, err);
    if (status == DMX_OK)
        *out = s;
    else
        free(s);
    return status;
}

dmx_status dmx_sound_open(dmx_sound **out, const char *path,
                          const dmx_hooks *hooks, dmx_error *err)
{
    return dmx_sound_open_stream(out, path, 0, hooks, err);
}

void dmx_sound_close(dmx_sound *sound)
{
    if (sound != NULL && sound->converted)
        dmx_song_input_close(&sound->input);
    else if (sound != NULL)
        dmx_audio_reader_close(sound->reader);
    free(sound);
}

int dmx_sound_about(const dmx_sound *sound, dmx_sound_info *out)
{
    if (sound == NULL || out == NULL || out->size < sizeof out->size)
        return 0;
    const dmx_audio_info *a = dmx_audio_reader_info(sound->reader);
    dmx_sound_info info = DMX_SOUND_INFO_INIT;
    info.rate = a->rate;
    info.channels = a->channels;
    info.bits = a->bits;
    info.exact = a->exact;
    info.frames = a->frames;
    info.codec = a->codec;
    dmx_report_give(out, &info, sizeof info);
    return 1;
}

dmx_status dmx_sound_convert(dmx_sound *sound, int rate, int channels,
                             dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, sound);
    DMX_RETURN_IF(rate < DMX_AUDIO_MIN_RATE || rate > DMX_AUDIO_MAX_RATE, err,
                  DMX_ERROR_ARGUMENT,
                  "sample rate: %d Hz is out of range; allowed is %d to %d",
                  rate, DMX_AUDIO_MIN_RATE, DMX_AUDIO_MAX_RATE);
    DMX_RETURN_IF(channels != 1 && channels != 2, err, DMX_ERROR_ARGUMENT,
                  "%d channels: sounds are converted to 1 or 2", channels);
    DMX_RETURN_IF(
        sound->converted || dmx_audio_reader_position(sound->reader) > 0, err,
        DMX_ERROR_ARGUMENT, "a sound is converted once, before its first read");
    DMX_FORWARD(
        dmx_song_input_over(&sound->input, sound->reader, rate, channels, err));
    sound->converted = true;
    return DMX_OK;
}

dmx_status dmx_sound_read(dmx_sound *sound, float *const *planes,
                          size_t capacity, size_t *got, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, got);
    *got = 0;
    DMX_NEED(err, sound);
    DMX_NEED(err, planes);
    const int channels = sound->converted
                             ? sound->input.channels
                             : dmx_audio_reader_info(sound->reader)->channels;
    DMX_FORWARD(
        check_planes((const float *const *)planes, channels, __func__, err));
    if (sound->converted)
        return dmx_song_input_read(&sound->input, planes, capacity, got, err);
    return dmx_audio_reader_read(sound->reader, planes, capacity, got, err);
}

/* ------------------------------------------------------------------ write */

static dmx_status check_file(dmx_audio_writer_options *w,
                             const dmx_sound_options *o, dmx_error *err)
{
    DMX_RETURN_IF(o->format == NULL, err, DMX_ERROR_ARGUMENT,
                  "dmx_sound_options: format is NULL");
    DMX_RETURN_IF(
        !dmx_audio_format_parse(&w->format, o->format), err, DMX_ERROR_ARGUMENT,
        "format '%s' is not one of wav, flac, mp3, ogg, opus, m4a", o->format);
    const bool wav = w->format == DMX_AUDIO_WAV;
    const bool lossless = wav || w->format == DMX_AUDIO_FLAC;
    DMX_RETURN_IF(
        lossless && o->bits != 16 && o->bits != 24 && !(wav && o->bits == 32),
        err, DMX_ERROR_ARGUMENT,
        "%d bits: WAV has 16, 24 or 32 (float), FLAC 16 or 24", o->bits);
    DMX_RETURN_IF(lossless && o->bitrate != 0, err, DMX_ERROR_ARGUMENT,
                  "a bit rate is for MP3, OGG, Opus and M4A only");
    DMX_RETURN_IF(o->rate < 1 || o->channels < 1, err, DMX_ERROR_ARGUMENT,
                  "%d Hz, %d channels: both must be at least 1", o->rate,
                  o->channels);
    w->hooks = o->hooks;
    w->sample = o->bits == 32   ? DMX_AUDIO_F32
                : o->bits == 24 ? DMX_AUDIO_S24
                                : DMX_AUDIO_S16;
    w->rate = o->rate;
    w->channels = o->channels;
    w->bitrate = o->bitrate;
    w->dither = o->dither;
    const int rate = dmx_audio_format_rate(w->format, o->rate);
    DMX_RETURN_IF(rate != o->rate, err, DMX_ERROR_ARGUMENT,
                  "%s can't have %d Hz; %d Hz is next", o->format, o->rate,
                  rate);
    return DMX_OK;
}

#define BLOCK 65536

static dmx_status write_all(dmx_audio_writer *writer,
                            const float *const *planes, int64_t frames,
                            const dmx_sound_options *o, dmx_error *err)
{
    const float **at = malloc((size_t)o->channels * sizeof *at);
    DMX_RETURN_IF(at == NULL, err, DMX_ERROR_MEMORY, "no memory");
    dmx_status status = DMX_OK;
    for (int64_t t = 0; status == DMX_OK && t < frames; t += BLOCK) {
        const int64_t n = frames - t < BLOCK ? frames - t : BLOCK;
        for (int c = 0; c < o->channels; c++)
            at[c] = planes[c] + t;
        status = dmx_audio_writer_write(writer, at, (size_t)n, err);
        if (status == DMX_OK)
            status = dmx_progress(o->hooks, "write",
                                  (double)(t + n) / (double)frames, err);
    }
    free(at);
    return status == DMX_OK ? dmx_audio_writer_commit(writer, err) : status;
}

dmx_status dmx_sound_write(const char *path, const float *const *planes,
                           int64_t frames, const dmx_sound_options *options,
                           dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, path);
    DMX_NEED(err, planes);
    DMX_RETURN_IF(frames < 0, err, DMX_ERROR_ARGUMENT, "%lld frames",
                  (long long)frames);
    dmx_sound_options o = DMX_SOUND_OPTIONS_INIT;
    dmx_audio_writer_options w = DMX_AUDIO_WRITER_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_sound_options, err));
    DMX_FORWARD(check_file(&w, &o, err));
    w.frames = frames;
    DMX_FORWARD(check_planes(planes, o.channels, __func__, err));
    dmx_audio_writer *writer = NULL;
    DMX_FORWARD(dmx_audio_writer_open(&writer, path, &w, err));
    const dmx_status status = write_all(writer, planes, frames, &o, err);
    dmx_audio_writer_close(writer);
    return status;
}
