/* The internals of an encoder: a file with one or several tracks. */
#ifndef DMX_AUDIO_ENCODER_PARTS_H
#define DMX_AUDIO_ENCODER_PARTS_H

#include "audio/encoder.h"
#include "audio/samples.h"

typedef struct dmx_encoder_track {
    AVCodecContext *codec;
    AVStream *stream;
    AVFrame *frame;
    int room;         /* samples that a full frame holds */
    int fill;         /* samples in `frame` */
    int64_t position; /* samples sent to the codec */
    int64_t packets;  /* packets received from it */
} dmx_encoder_track;

struct dmx_encoder {
    dmx_sink sink;
    dmx_audio_format format;
    int bits;
    int inputs;   /* planes that each track is given */
    int channels; /* that each track has: its last plane fills them up */
    int tracks;
    const char *const *stem; /* names of a stem file's; borrowed */
    int io_error;            /* errno of the first failed write, 0 */
    AVIOContext *io;
    AVFormatContext *muxer;
    AVStream *cover; /* NULL: none */
    AVPacket *packet;
    dmx_encoder_track track[DMX_AUDIO_STEM_TRACKS];
};

/* The system's reason when there is one, FFmpeg's otherwise. */
DMX_MUST_CHECK dmx_status dmx_encoder_failure(const dmx_encoder *encoder,
                                              const char *doing, int code,
                                              dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_encoder_no_memory(const dmx_encoder *encoder,
                                                dmx_error *err);

/* The file, then its tracks, then tags and head. */
DMX_MUST_CHECK dmx_status dmx_encoder_open_file(dmx_encoder *encoder,
                                                const char *muxer,
                                                dmx_error *err);
DMX_MUST_CHECK dmx_status
dmx_encoder_add_tags(dmx_encoder *encoder,
                     const dmx_audio_writer_options *options, dmx_error *err);
DMX_MUST_CHECK dmx_status
dmx_encoder_write_head(dmx_encoder *encoder,
                       const dmx_audio_writer_options *options, dmx_error *err);

#endif
