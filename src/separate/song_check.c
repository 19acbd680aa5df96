/* Checks a song's options. */
#include "audio/bitrate.h"
#include "separate/song.h"

#include <math.h>
#include <string.h>

static dmx_status check_format(dmx_song *s, dmx_error *err)
{
    const dmx_song_options *o = s->o;
    DMX_RETURN_IF(o->format == NULL, err, DMX_ERROR_ARGUMENT,
                  "dmx_song_options: format is NULL");
    if (strcmp(o->format, "stem.mp4") == 0)
        s->format = DMX_AUDIO_STEM_MP4;
    else
        DMX_RETURN_IF(!dmx_audio_format_parse(&s->format, o->format), err,
                      DMX_ERROR_ARGUMENT,
                      "format '%s' is not one of wav, flac, mp3, ogg, opus, "
                      "m4a, stem.mp4",
                      o->format);
    const bool wav = s->format == DMX_AUDIO_WAV;
    const bool lossless = wav || s->format == DMX_AUDIO_FLAC;
    DMX_RETURN_IF(
        lossless && o->bits != 16 && o->bits != 24 && !(wav && o->bits == 32),
        err, DMX_ERROR_ARGUMENT,
        "%d bits: WAV has 16, 24 or 32 (float), FLAC 16 or 24", o->bits);
    DMX_RETURN_IF(o->dither && (!lossless || o->bits == 32), err,
                  DMX_ERROR_ARGUMENT, "dither is for 16 and 24 bit files only");
    DMX_RETURN_IF(o->bitrate != 0 && lossless, err, DMX_ERROR_ARGUMENT,
                  "a bit rate is for MP3, OGG, Opus and M4A only");
    return DMX_OK;
}

/* Five tracks in one file, the mix first. */
static dmx_status check_stem_file(const dmx_song *s, dmx_error *err)
{
    const dmx_song_options *o = s->o;
    if (s->format != DMX_AUDIO_STEM_MP4)
        return DMX_OK;
    DMX_RETURN_IF(o->outputs != DMX_AUDIO_STEM_TRACKS, err, DMX_ERROR_ARGUMENT,
                  "a stem file has the mix and four stems; %zu outputs don't "
                  "make one",
                  o->outputs);
    bool is_mix = o->output[0].mix_gain == 1;
    for (size_t k = 0; k < dmx_separator_stems(s->separator); k++)
        is_mix = is_mix && o->output[0].gain[k] == 0;
    DMX_RETURN_IF(!is_mix, err, DMX_ERROR_ARGUMENT,
                  "the first track of a stem file is the mix, not '%s'",
                  o->output[0].name);
    DMX_RETURN_IF(o->output[0].path == NULL, err, DMX_ERROR_ARGUMENT,
                  "a stem file can't be written to a pipe");
    DMX_RETURN_IF(o->mono, err, DMX_ERROR_ARGUMENT,
                  "the tracks of a stem file are stereo, not mono");
    return DMX_OK;
}

static dmx_status check_outputs(const dmx_song *s, dmx_error *err)
{
    const dmx_song_options *o = s->o;
    int streams = 0;
    DMX_RETURN_IF(o->outputs == 0 || o->outputs > DMX_SONG_OUTPUTS, err,
                  DMX_ERROR_ARGUMENT, "%zu files to write; allowed is 1 to %d",
                  o->outputs, DMX_SONG_OUTPUTS);
    DMX_RETURN_IF(o->output == NULL, err, DMX_ERROR_ARGUMENT,
                  "dmx_song_options: output is NULL");
    for (size_t i = 0; i < o->outputs; i++) {
        DMX_RETURN_IF(o->output[i].name == NULL || o->output[i].gain == NULL,
                      err, DMX_ERROR_ARGUMENT,
                      "dmx_song_output: name or gain is NULL");
        streams += o->output[i].path == NULL;
    }
    DMX_RETURN_IF(streams > 1 && s->format != DMX_AUDIO_STEM_MP4, err,
                  DMX_ERROR_ARGUMENT,
                  "only one stem can go to standard output");
    DMX_RETURN_IF(s->model_channels > 2, err, DMX_ERROR_UNSUPPORTED,
                  "the model has %d channels; songs are mono or stereo here",
                  s->model_channels);
    return DMX_OK;
}

/* Whether the outputs sum to the mix, whatever the stems are. */
static bool sum_to_mix(const dmx_song *s)
{
    const dmx_song_options *o = s->o;
    const size_t stems = dmx_separator_stems(s->separator);
    double mix = 0;
    for (size_t i = 0; i < o->outputs; i++)
        mix += o->output[i].mix_gain;
    bool whole =
        fabs(mix) < 1e-9 && stems == dmx_separator_sources(s->separator);
    bool rest = fabs(mix - 1) < 1e-9;
    for (size_t k = 0; k < stems; k++) {
        double sum = 0;
        for (size_t i = 0; i < o->outputs; i++)
            sum += o->output[i].gain[k];
        whole = whole && fabs(sum - 1) < 1e-9;
        rest = rest && fabs(sum) < 1e-9;
    }
    return whole || rest;
}

static dmx_status check_exact(const dmx_song *s, dmx_error *err)
{
    const dmx_song_options *o = s->o;
    const int own = dmx_audio_reader_info(s->input.reader)->rate;
    if (!o->exact_sum)
        return DMX_OK;
    DMX_RETURN_IF(s->format != DMX_AUDIO_WAV && s->format != DMX_AUDIO_FLAC,
                  err, DMX_ERROR_ARGUMENT,
                  "exact sum: a lossy format can't sum exactly; use WAV or "
                  "FLAC");
    DMX_RETURN_IF(o->dither, err, DMX_ERROR_ARGUMENT,
                  "exact sum: not together with dither");
    DMX_RETURN_IF(!sum_to_mix(s), err, DMX_ERROR_ARGUMENT,
                  "exact sum: needs all stems, not a part of them");
    DMX_RETURN_IF(s->rate != own, err, DMX_ERROR_ARGUMENT,
                  "exact sum: only at the song's own rate, %d Hz", own);
    return DMX_OK;
}

dmx_status dmx_song_check(dmx_song *s, dmx_error *err)
{
    const dmx_song_options *o = s->o;
    DMX_FORWARD(check_format(s, err));
    DMX_FORWARD(check_outputs(s, err));
    DMX_FORWARD(check_stem_file(s, err));
    const int own = dmx_audio_reader_info(s->input.reader)->rate;
    const int wished = o->rate != 0 ? o->rate : own;
    DMX_RETURN_IF(wished < DMX_AUDIO_MIN_RATE || wished > DMX_AUDIO_MAX_RATE,
                  err, DMX_ERROR_ARGUMENT,
                  "sample rate: %d Hz is out of range; allowed is %d to %d",
                  wished, DMX_AUDIO_MIN_RATE, DMX_AUDIO_MAX_RATE);
    s->rate = dmx_audio_format_rate(s->format, wished);
    if (s->rate != wished)
        dmx_warn(o->hooks, "%s has no sample rate of %d Hz; the files have %d",
                 o->format, wished, s->rate);
    s->channels = o->mono ? 1 : s->model_channels;
    DMX_FORWARD(dmx_audio_check_bitrate(s->format, s->rate, s->channels,
                                        o->bitrate, err));
    s->clip = o->clip;
    const bool is_float = s->format == DMX_AUDIO_WAV && o->bits == 32;
    if (o->clip == DMX_CLIP_RESCALE && (is_float || o->exact_sum))
        s->clip = DMX_CLIP_NONE;
    return check_exact(s, err);
}
