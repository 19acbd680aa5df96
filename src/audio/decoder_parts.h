/* Shared by the parts of the decoder. */
#ifndef DMX_AUDIO_DECODER_PARTS_H
#define DMX_AUDIO_DECODER_PARTS_H

#include "audio/decoder.h"

#include <stdbool.h>

struct dmx_decoder {
    dmx_input input;
    AVStream *stream; /* owned by the input */
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    char *name;
    size_t used;       /* frames of `frame` already returned */
    int64_t silence;   /* frames of silence due for damaged packets */
    int64_t left;      /* frames until the container's end; -1: not stated */
    int64_t announced; /* frames according to the header; -1: not stated */
    int64_t delivered;
    int64_t damaged;
    /* Damage that counts only if sound follows it, or if sound is missing. */
    int64_t doubtful, doubtful_silence;
    int rate, channels;
    bool draining, ended;
};

static inline int64_t dmx_decoder_frames(const dmx_decoder *d, int64_t duration)
{
    return av_rescale_q(duration, d->stream->time_base,
                        (AVRational){1, d->rate});
}

/* Decodes until d->frame holds new samples, silence is due, or the end. */
DMX_MUST_CHECK dmx_status dmx_decoder_next(dmx_decoder *decoder,
                                           dmx_error *err);

#endif
