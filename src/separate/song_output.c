/* Writes stems at the model's rate to files at the song's. */
#include "base/folder.h"
#include "base/memory.h"
#include "base/output.h"
#include "separate/exact_sum.h"
#include "separate/song.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* ------------------------------------------------------------------ open */

static double bytes_per_sample(const dmx_song *s)
{
    const bool lossless =
        s->format == DMX_AUDIO_WAV || s->format == DMX_AUDIO_FLAC;
    return lossless ? s->o->bits / 8 : 1;
}

/* The spool and the files must fit on the disk, with a little to spare. */
static dmx_status check_space(const dmx_song *s, dmx_error *err)
{
    const dmx_song_output *first = &s->o->output[0];
    struct statvfs fs;
    char *folder = first->path != NULL ? dmx_folder_of(first->path) : NULL;
    if (folder == NULL)
        return DMX_OK;
    const int failed = statvfs(folder, &fs);
    free(folder);
    if (failed)
        return DMX_OK; /* opening the file will report the error */
    const double samples =
        (double)s->out_frames * (double)s->outputs * s->channels;
    const double spool = s->clip == DMX_CLIP_RESCALE ? sizeof(float) : 0;
    const double need = samples * (bytes_per_sample(s) + spool) + 1048576;
    const double have = (double)fs.f_bavail * (double)fs.f_frsize;
    DMX_RETURN_IF(have<need, err, DMX_ERROR_IO,
                       "%s: %.0f MB are needed%s, %.0f MB are free",
                       first->path, need / 1e6, spool> 0
                      ? " (rescaling needs room; clamping does with "
                        "less: options.clip)"
                      : "",
                  have / 1e6);
    return DMX_OK;
}

static dmx_audio_sample sample_type(int bits)
{
    return bits == 32   ? DMX_AUDIO_F32
           : bits == 24 ? DMX_AUDIO_S24
                        : DMX_AUDIO_S16;
}

static bool is_stem_file(const dmx_song *s)
{
    return s->format == DMX_AUDIO_STEM_MP4;
}

static dmx_status open_sink(dmx_song *s, size_t index, dmx_error *err)
{
    const dmx_song_output *output = &s->o->output[index];
    const bool piped = output->path == NULL;
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    o.hooks = s->o->hooks;
    o.format = s->format;
    o.sample = sample_type(s->o->bits);
    o.rate = s->rate;
    o.channels =
        is_stem_file(s) ? (int)s->outputs * s->model_channels : s->channels;
    o.stem = s->stem_name;
    o.frames = s->out_frames;
    o.bitrate = s->o->bitrate;
    o.dither = s->o->dither;
    o.dither_seed = index + 1;
    o.tags = dmx_audio_reader_tags(s->input.reader);
    o.stream = piped ? stdout : NULL;
    const bool waits = s->clip == DMX_CLIP_RESCALE && !piped;
    const dmx_clip clip = waits                         ? DMX_CLIP_RESCALE
                          : s->clip == DMX_CLIP_RESCALE ? DMX_CLIP_NONE
                                                        : s->clip;
    return dmx_song_sink_open(&s->sink[index],
                              piped ? "standard output" : output->path, &o,
                              clip, err);
}

static dmx_status open_sinks(dmx_song *s, dmx_error *err)
{
    s->sink = calloc(s->outputs, sizeof *s->sink);
    DMX_RETURN_IF(s->sink == NULL, err, DMX_ERROR_MEMORY, "no memory");
    for (size_t i = 1; is_stem_file(s) && i < s->outputs; i++)
        s->stem_name[i - 1] = s->o->output[i].name;
    const size_t files = is_stem_file(s) ? 1 : s->outputs;
    for (; s->n_sink < files; s->n_sink++)
        DMX_FORWARD(open_sink(s, s->n_sink, err));
    return DMX_OK;
}

static dmx_status allocate(dmx_song *s, dmx_error *err)
{
    const size_t rows = s->outputs * (size_t)s->model_channels;
    const size_t all = 2 * rows + 2;
    s->memory = dmx_aligned_alloc(all * DMX_SONG_BLOCK, sizeof *s->memory);
    s->model_rate = malloc(all * sizeof *s->model_rate);
    s->integers =
        dmx_aligned_alloc(2 * s->outputs * DMX_SONG_BLOCK, sizeof *s->integers);
    DMX_RETURN_IF(s->memory == NULL || s->model_rate == NULL ||
                      s->integers == NULL,
                  err, DMX_ERROR_MEMORY, "no memory for %zu files", s->outputs);
    for (size_t i = 0; i < all; i++)
        s->model_rate[i] = s->memory + i * DMX_SONG_BLOCK;
    s->own_rate = s->model_rate + rows;
    s->reference[0] = s->model_rate[2 * rows];
    s->reference[1] = s->model_rate[2 * rows + 1];
    return DMX_OK;
}

/* The mix is in every picture, also when it is an output. */
static size_t first_in_plot(const dmx_song *s)
{
    return is_stem_file(s) ? 1 : 0;
}

static dmx_status open_plot(dmx_song *s, dmx_error *err)
{
    const char *name[DMX_SONG_OUTPUTS + 1] = {"mix"};
    if (s->o->plot == NULL)
        return DMX_OK;
    const size_t first = first_in_plot(s);
    for (size_t i = first; i < s->outputs; i++)
        name[i - first + 1] = s->o->output[i].name;
    dmx_plot_options o = DMX_PLOT_OPTIONS_INIT;
    const int own = dmx_audio_reader_info(s->input.reader)->rate;
    const char *title =
        dmx_audio_tags_get(dmx_audio_reader_tags(s->input.reader), "title");
    o.title = title != NULL ? title : s->name;
    o.name = name;
    o.tracks = s->outputs - first + 1;
    o.rate = s->input.rate;
    o.frames = dmx_resampled_length(s->frames, own, s->input.rate);
    return dmx_plot_open(&s->plot, &o, err);
}

dmx_status dmx_song_open_outputs(dmx_song *s, dmx_error *err)
{
    const int own = dmx_audio_reader_info(s->input.reader)->rate;
    s->out_frames = s->rate == own
                        ? s->frames
                        : dmx_resampled_length(s->frames, own, s->rate);
    DMX_FORWARD(allocate(s, err));
    DMX_FORWARD(dmx_resampler_open(&s->back, s->input.rate, s->rate,
                                   (int)s->outputs * s->model_channels,
                                   s->out_frames, err));
    DMX_FORWARD(check_space(s, err));
    DMX_FORWARD(open_plot(s, err));
    return open_sinks(s, err);
}

/* ------------------------------------------------------------ model rate */

static void add_scaled(float *out, const float *in, double gain, size_t frames,
                       bool first)
{
    if (first && gain == 1) {
        memcpy(out, in, frames * sizeof *out);
        return;
    }
    for (size_t t = 0; t < frames; t++) {
        const double x = gain * (double)in[t];
        out[t] = (float)(first ? x : (double)out[t] + x);
    }
}

/* Computes one channel of one output from its stems and the mix. */
static void combine(float *out, const dmx_song *s, size_t output, int channel,
                    const float *const *stems, const float *const *mix,
                    size_t frames)
{
    const dmx_song_output *o = &s->o->output[output];
    const size_t n = dmx_separator_stems(s->separator);
    const size_t channels = (size_t)s->model_channels;
    bool first = true;
    for (size_t k = 0; k < n; k++)
        if (o->gain[k] != 0) {
            add_scaled(out, stems[k * channels + (size_t)channel], o->gain[k],
                       frames, first);
            first = false;
        }
    if (o->mix_gain != 0 || first)
        add_scaled(out, mix[channel], o->mix_gain, frames, first);
}

static void combine_all(dmx_song *s, const float *const *stems,
                        const float *const *mix, size_t frames)
{
    for (size_t i = 0; i < s->outputs; i++)
        for (int c = 0; c < s->model_channels; c++)
            combine(s->model_rate[i * (size_t)s->model_channels + (size_t)c], s,
                    i, c, stems, mix, frames);
}

static void push_plot(dmx_song *s, const float *const *mix, size_t frames)
{
    if (s->plot == NULL)
        return;
    const size_t channels = (size_t)s->model_channels;
    dmx_plot_push(s->plot, 0, mix, s->model_channels, frames);
    const size_t first = first_in_plot(s);
    for (size_t i = first; i < s->outputs; i++)
        dmx_plot_push(s->plot, i - first + 1,
                      (const float *const *)s->model_rate + i * channels,
                      s->model_channels, frames);
}

/* -------------------------------------------------------------- own rate */

static void average(float *left, const float *right, size_t frames)
{
    for (size_t t = 0; t < frames; t++)
        left[t] = 0.5f * left[t] + 0.5f * right[t];
}

/* --mono: plane 0 of each output, and of the mix, becomes the mean. */
static void mix_to_mono(dmx_song *s, size_t frames)
{
    for (size_t i = 0; i < s->outputs; i++)
        average(s->own_rate[2 * i], s->own_rate[2 * i + 1], frames);
    if (s->o->exact_sum)
        average(s->reference[0], s->reference[1], frames);
}

static dmx_status put_float(dmx_song *s, size_t frames, dmx_error *err)
{
    /* A stem file takes the rows of all outputs. */
    for (size_t i = 0; i < s->n_sink; i++)
        DMX_FORWARD(dmx_song_sink_put(
            &s->sink[i], s->own_rate + i * (size_t)s->model_channels, frames,
            err));
    return DMX_OK;
}

/* One channel of all outputs next to each other. */
static void channel_of(float **out, const dmx_song *s, int channel)
{
    for (size_t i = 0; i < s->outputs; i++)
        out[i] = s->own_rate[i * (size_t)s->model_channels + (size_t)channel];
}

static dmx_status put_exact_float(dmx_song *s, size_t frames, dmx_error *err)
{
    float *row[DMX_SONG_OUTPUTS];
    for (int c = 0; c < s->channels; c++) {
        channel_of(row, s, c);
        dmx_exact_sum_float(row, s->outputs, s->reference[c], frames);
    }
    return put_float(s, frames, err);
}

/* integers: [output][channel][block]. */
static dmx_status put_exact_int(dmx_song *s, size_t frames, dmx_error *err)
{
    float *row[DMX_SONG_OUTPUTS];
    int32_t *rounded[2][DMX_SONG_OUTPUTS];
    for (int c = 0; c < s->channels; c++) {
        channel_of(row, s, c);
        for (size_t i = 0; i < s->outputs; i++)
            rounded[c][i] = c == 0 ? s->integers + i * 2 * DMX_SONG_BLOCK
                                   : rounded[0][i] + DMX_SONG_BLOCK;
        s->mix_clipped +=
            dmx_exact_sum_int(rounded[c], (const float *const *)row, s->outputs,
                              s->reference[c], frames, s->o->bits);
    }
    for (size_t i = 0; i < s->outputs; i++) {
        const int32_t *planes[2] = {rounded[0][i], NULL};
        if (s->channels > 1)
            planes[1] = rounded[1][i];
        DMX_FORWARD(dmx_song_sink_put_int(&s->sink[i], planes,
                                          (const float *const *)s->own_rate +
                                              i * (size_t)s->model_channels,
                                          frames, err));
    }
    return DMX_OK;
}

/* The first frame with a sample that is NaN or infinite; frames: none. */
static size_t first_nonfinite(const float *row, size_t frames)
{
    size_t t = 0;
    while (t < frames && isfinite(row[t]))
        t++;
    return t;
}

/* Refuses samples that are not finite before they reach a file or an encoder.
 */
static dmx_status check_finite(const dmx_song *s, size_t frames, dmx_error *err)
{
    const size_t rows = s->outputs * (size_t)s->model_channels;
    for (size_t r = 0; r < rows; r++) {
        const size_t t = first_nonfinite(s->own_rate[r], frames);
        const char *name = s->o->output[r / (size_t)s->model_channels].name;
        DMX_RETURN_IF(t < frames, err, DMX_ERROR_RUNTIME,
                      "the stem '%s' is not finite (NaN or infinite) from "
                      "%.3f seconds on: the model is broken, or the song far "
                      "beyond full scale",
                      name != NULL ? name : "?",
                      (double)(s->delivered + (int64_t)t) / s->rate);
    }
    for (int c = 0; s->o->exact_sum && c < s->model_channels; c++)
        DMX_RETURN_IF(first_nonfinite(s->reference[c], frames) < frames, err,
                      DMX_ERROR_RUNTIME,
                      "the song's samples are too large to be mixed down");
    return DMX_OK;
}

static dmx_status deliver(dmx_song *s, size_t frames, dmx_error *err)
{
    if (s->o->exact_sum)
        dmx_song_queue_take(&s->mix, s->reference, frames);
    DMX_FORWARD(check_finite(s, frames, err));
    s->delivered += (int64_t)frames;
    if (s->channels < s->model_channels)
        mix_to_mono(s, frames);
    if (!s->o->exact_sum)
        return put_float(s, frames, err);
    return s->o->bits == 32 ? put_exact_float(s, frames, err)
                            : put_exact_int(s, frames, err);
}

/* ------------------------------------------------------------------- put */

/* Through the resampler; in NULL: what it still holds. */
static dmx_status resample(dmx_song *s, float *const *in, size_t frames,
                           dmx_error *err)
{
    const size_t rows = s->outputs * (size_t)s->model_channels;
    const float *rest[2 * DMX_SONG_OUTPUTS];
    size_t at = 0, made;
    do {
        size_t used = 0;
        for (size_t r = 0; in != NULL && r < rows; r++)
            rest[r] = in[r] + at;
        DMX_FORWARD(dmx_resampler_process(s->back, in != NULL ? rest : NULL,
                                          frames - at, &used, s->own_rate,
                                          DMX_SONG_BLOCK, &made, err));
        at += used;
        if (made > 0)
            DMX_FORWARD(deliver(s, made, err));
    } while (in != NULL ? at < frames : made > 0);
    return DMX_OK;
}

dmx_status dmx_song_put(dmx_song *s, const float *const *stems,
                        const float *const *mix, size_t frames, dmx_error *err)
{
    if (stems == NULL)
        return resample(s, NULL, 0, err);
    combine_all(s, stems, mix, frames);
    push_plot(s, mix, frames);
    return resample(s, s->model_rate, frames, err);
}

/* ----------------------------------------------------------------- finish */

dmx_status dmx_song_commit(dmx_song *s, dmx_error *err)
{
    for (size_t i = 0; i < s->n_sink; i++)
        DMX_FORWARD(dmx_song_sink_finish(&s->sink[i], s->o->hooks, err));
    if (s->mix_clipped > 0)
        dmx_warn(s->o->hooks,
                 "%lld samples of the song are beyond full scale; the stems "
                 "sum to the song cut off there (options.bits = 32 keeps them)",
                 (long long)s->mix_clipped);
    for (size_t i = 0; i < s->n_sink; i++)
        DMX_FORWARD(dmx_song_sink_commit(&s->sink[i], err));
    return s->plot != NULL ? dmx_plot_write(s->plot, s->o->plot, err) : DMX_OK;
}

void dmx_song_close_outputs(dmx_song *s, bool keep)
{
    for (size_t i = 0; i < s->n_sink; i++)
        dmx_song_sink_close(&s->sink[i], keep || s->o->output[i].path == NULL);
    free(s->sink);
    dmx_plot_close(s->plot);
    dmx_resampler_close(s->back);
    dmx_aligned_free(s->memory);
    dmx_aligned_free(s->integers);
    free(s->model_rate);
}
