/* One sound file in, its stems out. */
#include "separate/song.h"

#include "base/options.h"

#include <string.h>

/* ------------------------------------------------------------- callbacks */

static dmx_status read_song(void *user, float *const *planes, size_t capacity,
                            size_t *got, dmx_error *err)
{
    dmx_song *s = user;
    return dmx_song_input_read(&s->input, planes, capacity, got, err);
}

static dmx_status keep_mix(void *user, const float *const *planes,
                           size_t frames, dmx_error *err)
{
    dmx_song *s = user;
    return dmx_song_queue_put(&s->mix, planes, frames, err);
}

/* Called between the two passes, when the length is known. */
static dmx_status rewind_song(void *user, dmx_error *err)
{
    dmx_song *s = user;
    const int64_t bad = dmx_audio_reader_nonfinite(s->input.reader);
    s->frames = dmx_audio_reader_position(s->input.reader);
    DMX_RETURN_IF(s->frames == 0, err, DMX_ERROR_FORMAT,
                  "there is no sound in it");
    if (bad > 0)
        dmx_warn(s->o->hooks,
                 "%lld samples are not finite (NaN or infinite); they are "
                 "taken as silence",
                 (long long)bad);
    s->measured = true;
    DMX_FORWARD(dmx_song_input_rewind(&s->input, err));
    if (s->o->exact_sum) {
        s->input.tap = keep_mix;
        s->input.tap_user = s;
    }
    return dmx_song_open_outputs(s, err);
}

static dmx_status write_song(void *user, const float *const *stems,
                             const float *const *mix, size_t frames,
                             dmx_error *err)
{
    return dmx_song_put(user, stems, mix, frames, err);
}

/* ------------------------------------------------------------------- run */

static int64_t expected_frames(const dmx_song *s)
{
    const dmx_audio_info *info = dmx_audio_reader_info(s->input.reader);
    return info->frames < 0
               ? -1
               : dmx_resampled_length(info->frames, info->rate, s->input.rate);
}

static void return_report(dmx_song_report *given, const dmx_song *s)
{
    const dmx_audio_info *info = dmx_audio_reader_info(s->input.reader);
    dmx_song_report report = {
        .rate = info->rate,
        .channels = info->channels,
        .frames = s->frames,
        .nonfinite = dmx_audio_reader_nonfinite(s->input.reader),
        .out_rate = s->rate,
        .out_channels = s->channels,
        .out_frames = s->out_frames,
        .mix_clipped = s->mix_clipped,
    };
    for (size_t i = 0; i < s->outputs; i++) {
        const dmx_song_sink *sink = &s->sink[i < s->n_sink ? i : 0];
        report.peak[i] = sink->peak;
        report.scale[i] = sink->scale;
        report.clipped[i] = dmx_audio_writer_clipped(sink->writer);
    }
    dmx_report_give(given, &report, sizeof report);
}

static dmx_status run(dmx_song *s, dmx_song_report *report, dmx_error *err)
{
    dmx_separator_io io = DMX_SEPARATOR_IO_INIT;
    io.user = s;
    io.read = read_song;
    io.rewind = rewind_song;
    io.write = write_song;
    io.frames = expected_frames(s);
    DMX_FORWARD(dmx_song_check(s, err));
    DMX_FORWARD(dmx_separator_run(s->separator, &io, s->o->hooks, err));
    DMX_FORWARD(dmx_song_put(s, NULL, NULL, 0, err));
    DMX_FORWARD(dmx_song_commit(s, err));
    return_report(report, s);
    return DMX_OK;
}

dmx_status dmx_separate_song(dmx_separator *separator, const char *path,
                             const dmx_song_options *options,
                             dmx_song_report *report, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, separator);
    DMX_NEED(err, path);
    DMX_RETURN_IF(options == NULL, err, DMX_ERROR_ARGUMENT,
                  "dmx_song_options: start with DMX_SONG_OPTIONS_INIT");
    dmx_song_options o = DMX_SONG_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_song_options, err));
    const char *slash = strrchr(path, '/');
    dmx_song s = {.separator = separator,
                  .o = &o,
                  .name = slash != NULL ? slash + 1 : path,
                  .outputs = o.outputs,
                  .model_channels = (int)separator->channels};
    s.mix.channels = (size_t)separator->channels;
    dmx_status status = dmx_song_input_open(&s.input, path, o.raw, o.stream,
                                            (int)separator->samplerate,
                                            s.model_channels, o.hooks, err);
    DMX_FORWARD(status);
    status = run(&s, report, err);
    dmx_song_close_outputs(&s, status == DMX_OK);
    dmx_song_queue_free(&s.mix);
    dmx_song_input_close(&s.input);
    return status;
}
