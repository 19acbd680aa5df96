#include "audio/writer.h"
#include "audio/bitrate.h"
#include "audio/encoder.h"
#include "audio/quantise.h"
#include "audio/reader.h"
#include "audio/wav.h"
#include "base/memory.h"
#include "base/output.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLOCK 4096 /* frames quantised at a time */

struct dmx_audio_writer {
    dmx_output file;      /* stream NULL: a borrowed one */
    dmx_output_mark mark; /* what the commit made */
    dmx_sink sink;
    char *name;
    int channels;
    int bits; /* of integer formats, else 0 */
    dmx_wav *wav;
    dmx_encoder *encoder;
    dmx_dither *dither; /* one per channel; NULL: off */
    int32_t *integers;  /* [channels][BLOCK]; NULL: a format of floats */
    float *limited;     /* [channels][BLOCK] of a lossy format, else NULL */
    int64_t clipped;
    bool failed; /* an earlier call failed: nothing may be committed */
};

static const struct {
    const char *name; /* of the format; the extension is "." + this */
    int max_channels;
    const int *rates; /* rising, ends with 0; NULL: any */
} formats[] = {
    [DMX_AUDIO_WAV] = {"wav", DMX_AUDIO_MAX_CHANNELS, NULL},
    [DMX_AUDIO_FLAC] = {"flac", 8, NULL},
    [DMX_AUDIO_MP3] = {"mp3", 2,
                       (const int[]){8000, 11025, 12000, 16000, 22050, 24000,
                                     32000, 44100, 48000, 0}},
    [DMX_AUDIO_OGG] = {"ogg", 8, NULL},
    [DMX_AUDIO_OPUS] = {"opus", 8,
                        (const int[]){48000, 0}}, /* decodes to that anyway */
    [DMX_AUDIO_M4A] = {"m4a", 8,
                       (const int[]){8000, 11025, 12000, 16000, 22050, 24000,
                                     32000, 44100, 48000, 64000, 88200, 96000,
                                     0}},
    [DMX_AUDIO_STEM_MP4] = {"stem.mp4", 2 * DMX_AUDIO_STEM_TRACKS,
                            (const int[]){8000, 11025, 12000, 16000, 22050,
                                          24000, 32000, 44100, 48000, 64000,
                                          88200, 96000, 0}},
};

#define FORMATS (sizeof formats / sizeof formats[0])

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

int dmx_audio_format_rate(dmx_audio_format format, int rate)
{
    const int *r = formats[format].rates;
    if (format == DMX_AUDIO_OGG)
        return clamp(rate, 8000, 192000);
    if (format == DMX_AUDIO_FLAC) /* above 65534 Hz in steps of ten */
        return rate < 65535 ? clamp(rate, 1, 65534)
                            : clamp((rate - 1) / 10 * 10 + 10, 65540, 655340);
    if (r == NULL)
        return rate;
    while (*r < rate && r[1] != 0)
        r++;
    return *r;
}

const char *dmx_audio_format_extension(dmx_audio_format format)
{
    static const char *const extension[] = {
        ".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".stem.mp4"};
    return extension[format];
}

int dmx_audio_format_parse(dmx_audio_format *out, const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *end = dot != NULL ? dot + 1 : name;
    for (size_t i = 0; i < FORMATS; i++)
        if (strcasecmp(end, formats[i].name) == 0) {
            *out = (dmx_audio_format)i;
            return 1;
        }
    return 0;
}

static dmx_status check_options(const dmx_audio_writer_options *o,
                                const char *path, dmx_error *err)
{
    const char *name = formats[o->format].name;
    const int most = formats[o->format].max_channels;
    DMX_RETURN_IF(o->channels < 1 || o->channels > most, err,
                  DMX_ERROR_ARGUMENT, "%s: %d channels; %s takes 1 to %d", path,
                  o->channels, name, most);
    DMX_RETURN_IF(
        o->rate < 1 || dmx_audio_format_rate(o->format, o->rate) != o->rate,
        err, DMX_ERROR_ARGUMENT, "%s: %s can't store %d Hz; %d Hz would do",
        path, name, o->rate, dmx_audio_format_rate(o->format, o->rate));
    DMX_RETURN_IF(o->format == DMX_AUDIO_FLAC && o->sample == DMX_AUDIO_F32,
                  err, DMX_ERROR_ARGUMENT,
                  "%s: FLAC has no 32-bit float samples; use 24 bits or WAV",
                  path);
    const bool stems = o->format == DMX_AUDIO_STEM_MP4;
    DMX_RETURN_IF((o->format == DMX_AUDIO_M4A || stems) && o->stream != NULL,
                  err, DMX_ERROR_ARGUMENT,
                  "%s: %s can't be written to a pipe; use another format", path,
                  stems ? "a stem file" : "M4A");
    DMX_RETURN_IF(
        stems && (o->channels % DMX_AUDIO_STEM_TRACKS != 0 || o->stem == NULL),
        err, DMX_ERROR_ARGUMENT,
        "%s: a stem file is a mix and four stems, with their names", path);
    return DMX_OK;
}

static int integer_bits(const dmx_audio_writer_options *o)
{
    if (o->format != DMX_AUDIO_WAV && o->format != DMX_AUDIO_FLAC)
        return 0;
    return o->sample == DMX_AUDIO_S16   ? 16
           : o->sample == DMX_AUDIO_S24 ? 24
                                        : 0;
}

static dmx_status open_buffers(dmx_audio_writer *w,
                               const dmx_audio_writer_options *o,
                               dmx_error *err)
{
    const size_t channels = (size_t)o->channels;
    w->channels = o->channels;
    w->bits = integer_bits(o);
    if (w->bits == 0 && o->format != DMX_AUDIO_WAV) {
        w->limited = malloc(channels * BLOCK * sizeof *w->limited);
        DMX_RETURN_IF(w->limited == NULL, err, DMX_ERROR_MEMORY,
                      "%s: no memory", w->name);
    }
    if (w->bits == 0)
        return DMX_OK;
    w->integers = malloc(channels * BLOCK * sizeof *w->integers);
    if (o->dither)
        w->dither = malloc(channels * sizeof *w->dither);
    DMX_RETURN_IF(w->integers == NULL || (o->dither && w->dither == NULL), err,
                  DMX_ERROR_MEMORY, "%s: no memory", w->name);
    for (size_t c = 0; o->dither && c < channels; c++)
        w->dither[c].state = o->dither_seed * channels + c;
    return DMX_OK;
}

static dmx_status open_any(dmx_audio_writer *w, const char *path,
                           const dmx_audio_writer_options *o, dmx_error *err)
{
    w->name = strdup(path);
    DMX_RETURN_IF(w->name == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  path);
    DMX_FORWARD(check_options(o, path, err));
    if (integer_bits(o) == 0 && o->format != DMX_AUDIO_WAV)
        DMX_FORWARD(dmx_audio_check_bitrate(o->format, o->rate, o->channels,
                                            o->bitrate, err));
    DMX_FORWARD(open_buffers(w, o, err));
    if (o->stream == NULL)
        DMX_FORWARD(dmx_output_open(&w->file, path, err));
    w->sink = (dmx_sink){
        .stream = o->stream != NULL ? o->stream : w->file.stream,
        .name = w->name,
        .seekable = o->stream == NULL,
    };
    if (o->format != DMX_AUDIO_WAV)
        return dmx_encoder_open(&w->encoder, &w->sink, o, err);
    const dmx_wav_spec spec = {o->sample, o->rate, o->channels, false};
    return dmx_wav_open(&w->wav, &w->sink, &spec, o->frames, o->tags, err);
}

dmx_status dmx_audio_writer_open(dmx_audio_writer **out, const char *path,
                                 const dmx_audio_writer_options *options,
                                 dmx_error *err)
{
    const dmx_audio_writer_options defaults = DMX_AUDIO_WRITER_OPTIONS_INIT;
    *out = NULL;
    dmx_audio_writer *w = calloc(1, sizeof *w);
    DMX_RETURN_IF(w == NULL, err, DMX_ERROR_MEMORY, "%s: no memory", path);
    const dmx_status status =
        open_any(w, path, options != NULL ? options : &defaults, err);
    if (status != DMX_OK) {
        dmx_audio_writer_close(w);
        return status;
    }
    *out = w;
    return DMX_OK;
}

static dmx_status put_block(dmx_audio_writer *w, size_t frames, dmx_error *err)
{
    const int32_t *planes[DMX_AUDIO_MAX_CHANNELS];
    for (int c = 0; c < w->channels; c++)
        planes[c] = w->integers + (size_t)c * BLOCK;
    return w->wav != NULL
               ? dmx_wav_put_int(w->wav, planes, frames, err)
               : dmx_encoder_put_int(w->encoder, planes, frames, err);
}

static size_t block_of(size_t frames)
{
    return frames < BLOCK ? frames : BLOCK;
}

static dmx_status quantise_and_put(dmx_audio_writer *w,
                                   const float *const *planes, size_t frames,
                                   dmx_error *err)
{
    size_t n;
    for (size_t done = 0; done < frames; done += n) {
        n = block_of(frames - done);
        for (int c = 0; c < w->channels; c++)
            w->clipped += dmx_quantise(
                w->integers + (size_t)c * BLOCK, planes[c] + done, n, w->bits,
                w->dither != NULL ? &w->dither[c] : NULL);
        DMX_FORWARD(put_block(w, n, err));
    }
    return DMX_OK;
}

static dmx_status put_integers(dmx_audio_writer *w,
                               const int32_t *const *planes, size_t frames,
                               dmx_error *err)
{
    size_t n;
    for (size_t done = 0; done < frames; done += n) {
        n = block_of(frames - done);
        for (int c = 0; c < w->channels; c++)
            w->clipped += dmx_clamp_integers(w->integers + (size_t)c * BLOCK,
                                             planes[c] + done, n, w->bits);
        DMX_FORWARD(put_block(w, n, err));
    }
    return DMX_OK;
}

/* Encoders abort or hang on NaN and on values far beyond full scale, so neither
 * reaches them. */
static dmx_status limit_channel(float *out, const float *in, size_t n,
                                int64_t *clipped, const char *name,
                                dmx_error *err)
{
    for (size_t i = 0; i < n; i++) {
        DMX_RETURN_IF(isnan(in[i]), err, DMX_ERROR_ARGUMENT,
                      "%s: a sample is not a number", name);
        out[i] = in[i] > 1 ? 1 : in[i] < -1 ? -1 : in[i];
        *clipped += out[i] != in[i];
    }
    return DMX_OK;
}

static dmx_status limit_and_put(dmx_audio_writer *w, const float *const *planes,
                                size_t frames, dmx_error *err)
{
    const float *limited[DMX_AUDIO_MAX_CHANNELS];
    size_t n;
    for (size_t done = 0; done < frames; done += n) {
        n = block_of(frames - done);
        for (int c = 0; c < w->channels; c++) {
            float *out = w->limited + (size_t)c * BLOCK;
            limited[c] = out;
            DMX_FORWARD(limit_channel(out, planes[c] + done, n, &w->clipped,
                                      w->name, err));
        }
        DMX_FORWARD(dmx_encoder_put_float(w->encoder, limited, n, err));
    }
    return DMX_OK;
}

/* After a failed write the file must never be committed. */
static dmx_status note_failed(dmx_audio_writer *w, dmx_status status)
{
    w->failed = w->failed || status != DMX_OK;
    return status;
}

dmx_status dmx_audio_writer_write(dmx_audio_writer *w,
                                  const float *const *planes, size_t frames,
                                  dmx_error *err)
{
    if (w->bits != 0)
        return note_failed(w, quantise_and_put(w, planes, frames, err));
    return note_failed(w, w->wav != NULL
                              ? dmx_wav_put_float(w->wav, planes, frames, err)
                              : limit_and_put(w, planes, frames, err));
}

dmx_status dmx_audio_writer_write_int(dmx_audio_writer *w,
                                      const int32_t *const *planes,
                                      size_t frames, dmx_error *err)
{
    DMX_RETURN_IF(w->bits == 0, err, DMX_ERROR_ARGUMENT,
                  "%s: integers go into 16- or 24-bit WAV and FLAC only",
                  w->name);
    return note_failed(w, put_integers(w, planes, frames, err));
}

int64_t dmx_audio_writer_clipped(const dmx_audio_writer *w)
{
    return w->clipped;
}

dmx_status dmx_audio_writer_commit(dmx_audio_writer *w, dmx_error *err)
{
    DMX_RETURN_IF(w->failed, err, DMX_ERROR_IO,
                  "%s: not kept, because writing it failed", w->name);
    w->failed = true; /* and no second commit */
    DMX_FORWARD(w->wav != NULL ? dmx_wav_finish(w->wav, err)
                               : dmx_encoder_finish(w->encoder, err));
    if (w->file.stream != NULL)
        return dmx_output_commit(&w->file, &w->mark, err);
    if (fflush(w->sink.stream) != 0)
        return dmx_sink_failure(&w->sink, errno, err);
    return DMX_OK;
}

void dmx_audio_writer_take_back(dmx_audio_writer *w)
{
    dmx_output_take_back(&w->mark);
}

void dmx_audio_writer_close(dmx_audio_writer *w)
{
    if (w == NULL)
        return;
    dmx_wav_close(w->wav);
    dmx_encoder_close(w->encoder);
    dmx_output_abandon(&w->file);
    dmx_output_forget(&w->mark);
    free(w->dither);
    free(w->integers);
    free(w->limited);
    free(w->name);
    free(w);
}
