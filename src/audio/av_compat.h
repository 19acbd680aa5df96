/* FFmpeg 4.4 to 7: the two ways of describing channels, and other changes. */
#ifndef DMX_AUDIO_AV_COMPAT_H
#define DMX_AUDIO_AV_COMPAT_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/avstring.h>
#include <libavutil/opt.h>
#include <libavutil/version.h>

#include "base/error.h"
#include <stdint.h>

/* AVChannelLayout came with FFmpeg 5.1; the old fields went with 7. */
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 24, 100)
#define DMX_AV_CHANNEL_LAYOUT 1
#else
#define DMX_AV_CHANNEL_LAYOUT 0
#endif

/* Write callbacks take const bytes since FFmpeg 7. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t dmx_av_bytes;
#else
typedef uint8_t dmx_av_bytes;
#endif

int dmx_av_frame_channels(const AVFrame *frame);
/* WAVE channel mask in the frame's own channel order; 0 when unknown. Up to
 * eight channels without a layout get the default one for their number. */
uint64_t dmx_av_frame_layout(const AVFrame *frame);
/* The default layout for a number of channels, or 0. */
uint64_t dmx_av_usual_layout(int channels);
/* That of a stream which has so many channels; 0 when it does not say. */
uint64_t dmx_av_stream_layout(const AVCodecParameters *par, int channels);
void dmx_av_layout_name(char *text, size_t size, uint64_t layout, int channels);
void dmx_av_set_channels(AVCodecContext *codec, int channels);
/* Sets the frame's format, rate and layout to the encoder's. */
int dmx_av_frame_like(AVFrame *frame, const AVCodecContext *codec);

/* The libraries log to stderr through one logger for the whole process. It is
 * silenced if the host left it at its default; a host that has set a level or a
 * callback keeps its level. */
void dmx_av_quiet(void);

/* DMX_ERROR_MEMORY for ENOMEM, otherwise `code`. */
dmx_status dmx_av_status(int av_error, dmx_status code);
/* A short text for an FFmpeg error; returns text. */
const char *dmx_av_text(char *text, size_t size, int av_error);

#endif
