/* Decoding: packets in, frames out. */
#include "audio/decoder_parts.h"
#include "audio/samples.h"

#include <errno.h>
#include <string.h>

#define MAX_RETRIES     1000 /* for a demuxer that returns EAGAIN */
#define MAX_GAP_SECONDS 10   /* silence that one damaged packet can become */

/* A packet was lost: replaces it by silence of the same length if sound
 * follows, to keep the timing. */
static void note_damage(dmx_decoder *d, int64_t duration)
{
    d->doubtful++;
    if (d->rate == 0)
        return; /* nothing decoded yet: the sound starts with its first frame */
    int64_t gap =
        duration > 0 ? dmx_decoder_frames(d, duration) : d->codec->frame_size;
    if (gap > (int64_t)MAX_GAP_SECONDS * d->rate)
        gap = (int64_t)MAX_GAP_SECONDS * d->rate;
    d->doubtful_silence += gap > 0 ? gap : 0;
}

static void settle_damage(dmx_decoder *d, bool matters)
{
    if (matters) {
        d->damaged += d->doubtful;
        d->silence += d->doubtful_silence;
    }
    d->doubtful = d->doubtful_silence = 0;
}

/* At the end: undecodable data after the last announced sample is a tag that
 * some program appended. */
static void settle_end(dmx_decoder *d)
{
    const bool whole = d->announced > 0 && d->delivered >= d->announced;
    settle_damage(d, !whole);
}

/* The next packet of our stream; at the end of the file *end. */
static dmx_status read_packet(dmx_decoder *d, bool *end, dmx_error *err)
{
    int retries = 0;
    for (;;) {
        const int code = av_read_frame(d->input.format, d->packet);
        if (code >= 0 && d->packet->stream_index == d->stream->index)
            return DMX_OK;
        av_packet_unref(d->packet);
        if (code >= 0)
            continue;
        if (code == AVERROR(EAGAIN) && ++retries < MAX_RETRIES)
            continue;
        DMX_RETURN_IF(code == AVERROR(ENOMEM), err, DMX_ERROR_MEMORY,
                      "%s: no memory to read it", d->name);
        DMX_RETURN_IF(d->input.failure != 0, err, DMX_ERROR_IO,
                      "%s: read failed: %s", d->name,
                      strerror(d->input.failure));
        /* Malformed data ends the sound like the end of the file. */
        if (code != AVERROR_EOF)
            d->doubtful++;
        *end = true;
        return DMX_OK;
    }
}

/* Sends the decoder one more packet, or signals the end. */
static dmx_status feed(dmx_decoder *d, dmx_error *err)
{
    bool end = false;
    DMX_FORWARD(read_packet(d, &end, err));
    if (end) {
        d->draining = true;
        avcodec_send_packet(d->codec, NULL);
        return DMX_OK;
    }
    const int64_t duration = d->packet->duration;
    const int code = avcodec_send_packet(d->codec, d->packet);
    av_packet_unref(d->packet);
    DMX_RETURN_IF(code == AVERROR(ENOMEM), err, DMX_ERROR_MEMORY,
                  "%s: no memory to decode it", d->name);
    if (code < 0)
        note_damage(d, duration);
    return DMX_OK;
}

static dmx_status check_frame(dmx_decoder *d, dmx_error *err)
{
    const int channels = dmx_av_frame_channels(d->frame);
    const int rate = d->frame->sample_rate;
    DMX_RETURN_IF(rate < DMX_AUDIO_MIN_RATE || rate > DMX_AUDIO_MAX_RATE, err,
                  DMX_ERROR_UNSUPPORTED,
                  "%s: a sample rate of %d Hz is outside %d..%d", d->name, rate,
                  DMX_AUDIO_MIN_RATE, DMX_AUDIO_MAX_RATE);
    DMX_RETURN_IF(channels < 1 || channels > DMX_AUDIO_MAX_CHANNELS, err,
                  DMX_ERROR_UNSUPPORTED, "%s: %d channels; 1 to %d can be read",
                  d->name, channels, DMX_AUDIO_MAX_CHANNELS);
    DMX_RETURN_IF(!dmx_samples_known(d->frame->format), err,
                  DMX_ERROR_UNSUPPORTED, "%s: unknown sample format", d->name);
    DMX_RETURN_IF(
        d->rate != 0 && (rate != d->rate || channels != d->channels), err,
        DMX_ERROR_UNSUPPORTED,
        "%s: changes from %d Hz, %d channels to %d Hz, %d channels on "
        "the way; convert it to one format first",
        d->name, d->rate, d->channels, rate, channels);
    d->rate = rate;
    d->channels = channels;
    return DMX_OK;
}

/* Decodes until d->frame holds new samples, silence is due, or the end. */
dmx_status dmx_decoder_next(dmx_decoder *d, dmx_error *err)
{
    while (!d->ended && d->silence == 0) {
        const int code = avcodec_receive_frame(d->codec, d->frame);
        if (code >= 0) {
            d->used = 0;
            if (d->frame->nb_samples > 0) {
                settle_damage(d, true);
                return check_frame(d, err);
            }
        } else if (code == AVERROR_EOF) {
            d->ended = true;
        } else if (code == AVERROR(ENOMEM)) {
            DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY,
                             "%s: no memory to decode it", d->name);
        } else if (code != AVERROR(EAGAIN) || d->draining) {
            d->ended = d->draining;
            note_damage(d, 0);
        } else {
            DMX_FORWARD(feed(d, err));
        }
    }
    if (d->ended)
        settle_end(d);
    return DMX_OK;
}

static size_t min_size(size_t a, int64_t b)
{
    return b < 0 || (uint64_t)b > a ? a : (size_t)b;
}

static size_t take_silence(dmx_decoder *d, float *const *planes, size_t at,
                           size_t capacity)
{
    const size_t n = min_size(capacity, d->silence);
    for (int c = 0; c < d->channels; c++)
        memset(planes[c] + at, 0, n * sizeof planes[c][0]);
    d->silence -= (int64_t)n;
    return n;
}

static size_t take_frame(dmx_decoder *d, float *const *planes, size_t at,
                         size_t capacity)
{
    const size_t n =
        min_size(capacity, (int64_t)((size_t)d->frame->nb_samples - d->used));
    dmx_samples_decode(planes, at, d->frame, d->used, n);
    d->used += n;
    return n;
}

dmx_status dmx_decoder_read(dmx_decoder *d, float *const *planes, size_t at,
                            size_t capacity, size_t *got, dmx_error *err)
{
    *got = 0;
    capacity = min_size(capacity, d->left);
    if (capacity == 0)
        return DMX_OK;
    if (d->used >= (size_t)d->frame->nb_samples && d->silence == 0)
        DMX_FORWARD(dmx_decoder_next(d, err));
    if (d->silence > 0)
        *got = take_silence(d, planes, at, capacity);
    else if (d->used < (size_t)d->frame->nb_samples)
        *got = take_frame(d, planes, at, capacity);
    d->delivered += (int64_t)*got;
    if (d->left >= 0)
        d->left -= (int64_t)*got;
    return DMX_OK;
}

int64_t dmx_decoder_damaged(const dmx_decoder *d)
{
    return d->damaged;
}
