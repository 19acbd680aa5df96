#include "test_audio.h"
#include "audio/av_compat.h"
#include "audio/samples.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* libvorbisenc forgets 3 KB whenever an encoder is set up with six channels;
 * the leak sanitizer asks for exceptions through this name. */
const char *__lsan_default_suppressions(void)
    __attribute__((visibility("default")));
const char *__lsan_default_suppressions(void)
{
    return "leak:libvorbisenc\n";
}

test_sound test_sound_make(int rate, int channels, int64_t frames)
{
    test_sound s = {.channels = channels, .rate = rate, .frames = frames};
    for (int c = 0; c < channels; c++) {
        s.plane[c] = malloc((size_t)frames * sizeof(float));
        assert_non_null(s.plane[c]);
        for (int64_t i = 0; i < frames; i++) {
            const double t = 6.283185307179586 * (double)i / rate;
            const double decay = exp(-(double)(i % rate) / rate);
            s.plane[c][i] =
                (float)(0.8 * decay *
                        (0.6 * sin(t * (220 + 20 * c)) + 0.4 * cos(t * 1330)));
        }
    }
    return s;
}

void test_sound_free(test_sound *s)
{
    for (int c = 0; c < s->channels; c++)
        free(s->plane[c]);
    *s = (test_sound){0};
}

static void grow(test_sound *s, int64_t frames)
{
    for (int c = 0; c < s->channels; c++) {
        s->plane[c] = realloc(s->plane[c], (size_t)frames * sizeof(float));
        assert_non_null(s->plane[c]);
    }
}

static dmx_status read_all(test_sound *s, dmx_audio_reader *r, size_t block,
                           dmx_error *err)
{
    size_t got = 1;
    while (got > 0) {
        float *at[DMX_AUDIO_MAX_CHANNELS];
        grow(s, s->frames + (int64_t)block);
        for (int c = 0; c < s->channels; c++)
            at[c] = s->plane[c] + s->frames;
        DMX_FORWARD(dmx_audio_reader_read(r, at, block, &got, err));
        s->frames += (int64_t)got;
    }
    s->nonfinite = dmx_audio_reader_nonfinite(r);
    assert_int_equal(dmx_audio_reader_position(r), s->frames);
    return DMX_OK;
}

dmx_status test_sound_read(test_sound *out, const char *path,
                           const dmx_audio_reader_options *options,
                           size_t block, dmx_error *err)
{
    dmx_audio_reader *r;
    *out = (test_sound){0};
    DMX_FORWARD(dmx_audio_reader_open(&r, path, options, err));
    out->info = *dmx_audio_reader_info(r);
    out->channels = out->info.channels;
    out->rate = out->info.rate;
    const dmx_status status = read_all(out, r, block, err);
    dmx_audio_reader_close(r);
    return status;
}

void test_sound_write(const test_sound *s, const char *path,
                      dmx_audio_writer_options options)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_writer *w;
    options.rate = s->rate;
    options.channels = s->channels;
    assert_ok(dmx_audio_writer_open(&w, path, &options, &err), &err);
    assert_ok(dmx_audio_writer_write(w, (const float *const *)s->plane,
                                     (size_t)s->frames, &err),
              &err);
    assert_ok(dmx_audio_writer_commit(w, &err), &err);
    dmx_audio_writer_close(w);
}

static enum AVSampleFormat usual_format(const AVCodec *codec)
{
    static const struct {
        const char *name;
        enum AVSampleFormat format;
    } known[] = {
        {"pcm_u8", AV_SAMPLE_FMT_U8},       {"pcm_s8", AV_SAMPLE_FMT_U8},
        {"pcm_s24le", AV_SAMPLE_FMT_S32},   {"pcm_s24be", AV_SAMPLE_FMT_S32},
        {"pcm_s32le", AV_SAMPLE_FMT_S32},   {"pcm_f32le", AV_SAMPLE_FMT_FLT},
        {"pcm_f64le", AV_SAMPLE_FMT_DBL},   {"alac", AV_SAMPLE_FMT_S16P},
        {"wavpack", AV_SAMPLE_FMT_S16P},    {"aac", AV_SAMPLE_FMT_FLTP},
        {"libmp3lame", AV_SAMPLE_FMT_FLTP}, {"libvorbis", AV_SAMPLE_FMT_FLTP},
        {"libopus", AV_SAMPLE_FMT_FLT},     {"ac3", AV_SAMPLE_FMT_FLTP},
        {"wmav2", AV_SAMPLE_FMT_FLTP},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, codec->name) == 0)
            return known[i].format;
    return AV_SAMPLE_FMT_S16;
}

typedef struct mux {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    AVPacket *packet;
} mux;

static void drain(mux *m)
{
    while (avcodec_receive_packet(m->codec, m->packet) >= 0) {
        m->packet->stream_index = m->stream->index;
        av_packet_rescale_ts(m->packet, m->codec->time_base,
                             m->stream->time_base);
        assert_true(av_interleaved_write_frame(m->format, m->packet) >= 0);
    }
}

static void put_float(AVFrame *frame, int c, const float *x, size_t n)
{
    const enum AVSampleFormat packed =
        av_get_packed_sample_fmt((enum AVSampleFormat)frame->format);
    int32_t *v = malloc(n * sizeof *v);
    assert_non_null(v);
    const int bits = packed == AV_SAMPLE_FMT_S16 ? 16 : 24;
    for (size_t i = 0; i < n; i++)
        v[i] = (int32_t)lrint(x[i] * ldexp(1, bits - 1));
    const size_t channels = (size_t)dmx_av_frame_channels(frame);
    if (packed == AV_SAMPLE_FMT_FLT)
        dmx_samples_put_float(frame, c, 0, x, n);
    else if (packed == AV_SAMPLE_FMT_DBL)
        for (size_t i = 0; i < n; i++)
            ((double *)(void *)frame->data[0])[i * channels + (size_t)c] = x[i];
    else if (packed == AV_SAMPLE_FMT_U8)
        for (size_t i = 0; i < n; i++)
            frame->data[0][i * channels + (size_t)c] =
                (uint8_t)(128 + lrint(x[i] * 127));
    else
        dmx_samples_put_int(frame, c, 0, v, n, bits);
    free(v);
}

static void encode(mux *m, const test_sound *s)
{
    const int64_t step = m->codec->frame_size > 0 ? m->codec->frame_size : 1024;
    for (int64_t at = 0; at < s->frames; at += step) {
        AVFrame *frame = av_frame_alloc();
        assert_non_null(frame);
        const int64_t left = s->frames - at;
        frame->nb_samples = (int)(left < step ? left : step);
        assert_true(dmx_av_frame_like(frame, m->codec) >= 0);
        assert_true(av_frame_get_buffer(frame, 0) >= 0);
        frame->pts = at;
        for (int c = 0; c < s->channels; c++)
            put_float(frame, c, s->plane[c] + at, (size_t)frame->nb_samples);
        assert_true(avcodec_send_frame(m->codec, frame) >= 0);
        drain(m);
        av_frame_free(&frame);
    }
    avcodec_send_frame(m->codec, NULL);
    drain(m);
}

static void open_mux(mux *m, const test_sound *s, const char *path,
                     const char *muxer, const AVCodec *codec)
{
    assert_true(avformat_alloc_output_context2(&m->format, NULL, muxer, path) >=
                0);
    m->codec = avcodec_alloc_context3(codec);
    m->packet = av_packet_alloc();
    assert_non_null(m->codec);
    assert_non_null(m->packet);
    m->codec->sample_fmt = usual_format(codec);
    m->codec->sample_rate = s->rate;
    m->codec->time_base = (AVRational){1, s->rate};
    m->codec->bit_rate = 192000;
    dmx_av_set_channels(m->codec, s->channels);
    if (m->format->oformat->flags & AVFMT_GLOBALHEADER)
        m->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    assert_true(avcodec_open2(m->codec, codec, NULL) >= 0);
    m->stream = avformat_new_stream(m->format, NULL);
    assert_non_null(m->stream);
    m->stream->time_base = m->codec->time_base;
    assert_true(
        avcodec_parameters_from_context(m->stream->codecpar, m->codec) >= 0);
    assert_true(avio_open(&m->format->pb, path, AVIO_FLAG_WRITE) >= 0);
}

bool test_sound_mux(const test_sound *s, const char *path, const char *muxer,
                    const char *codec_name, const char *options)
{
    av_log_set_level(AV_LOG_QUIET);
    const AVCodec *codec = avcodec_find_encoder_by_name(codec_name);
    if (codec == NULL || av_guess_format(muxer, NULL, NULL) == NULL)
        return false;
    mux m = {0};
    AVDictionary *dict = NULL;
    open_mux(&m, s, path, muxer, codec);
    if (options != NULL)
        assert_true(av_dict_parse_string(&dict, options, "=", ":", 0) >= 0);
    assert_true(avformat_write_header(m.format, &dict) >= 0);
    av_dict_free(&dict);
    encode(&m, s);
    assert_true(av_write_trailer(m.format) >= 0);
    avio_closep(&m.format->pb);
    avformat_free_context(m.format);
    avcodec_free_context(&m.codec);
    av_packet_free(&m.packet);
    return true;
}

/* One grey picture of 64 x 48, encoded as the video's first stream. */
static AVPacket *film_picture(AVFormatContext *format)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    AVCodecContext *c = avcodec_alloc_context3(codec);
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    AVStream *stream = avformat_new_stream(format, NULL);
    c->width = frame->width = 64;
    c->height = frame->height = 48;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    frame->format = AV_PIX_FMT_YUV420P;
    c->time_base = stream->time_base = (AVRational){1, 25};
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    assert_true(avcodec_open2(c, codec, NULL) >= 0);
    assert_true(avcodec_parameters_from_context(stream->codecpar, c) >= 0);
    assert_true(av_frame_get_buffer(frame, 0) >= 0);
    for (int i = 0; i < 3; i++)
        memset(frame->data[i], 128,
               (size_t)frame->linesize[i] * (i == 0 ? 48 : 24));
    frame->pts = 0;
    assert_true(avcodec_send_frame(c, frame) >= 0);
    avcodec_send_frame(c, NULL);
    assert_true(avcodec_receive_packet(c, packet) >= 0);
    packet->stream_index = stream->index;
    avcodec_free_context(&c);
    av_frame_free(&frame);
    return packet;
}

bool test_film(const test_sound *s, const char *path)
{
    av_log_set_level(AV_LOG_QUIET);
    const AVCodec *codec = avcodec_find_encoder_by_name("aac");
    if (codec == NULL || avcodec_find_encoder(AV_CODEC_ID_MPEG4) == NULL)
        return false;
    mux m = {0};
    if (s != NULL) {
        open_mux(&m, s, path, "mp4", codec);
    } else {
        avformat_alloc_output_context2(&m.format, NULL, "mp4", path);
        assert_true(avio_open(&m.format->pb, path, AVIO_FLAG_WRITE) >= 0);
    }
    AVPacket *picture = film_picture(m.format);
    assert_true(avformat_write_header(m.format, NULL) >= 0);
    assert_true(av_interleaved_write_frame(m.format, picture) >= 0);
    av_packet_free(&picture);
    if (s != NULL)
        encode(&m, s);
    assert_true(av_write_trailer(m.format) >= 0);
    avio_closep(&m.format->pb);
    avformat_free_context(m.format);
    avcodec_free_context(&m.codec);
    av_packet_free(&m.packet);
    return true;
}

double test_sound_snr(const test_sound *a, const test_sound *b)
{
    double signal = 0, noise = 0;
    for (int c = 0; c < a->channels; c++)
        for (int64_t i = 0; i < a->frames; i++) {
            const double x = a->plane[c][i];
            const double y = i < b->frames ? b->plane[c][i] : 0;
            signal += x * x;
            noise += (x - y) * (x - y);
        }
    return noise == 0 ? 999 : 10 * log10(signal / noise);
}

const char *test_path(const char *name)
{
    static char path[8][1200];
    static int next;
    char *text = path[next++ % 8];
    snprintf(text, sizeof path[0], "%s/%s", test_folder(), name);
    return text;
}

unsigned char *test_bytes(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    unsigned char *p = malloc(*size + 1);
    assert_non_null(p);
    assert_int_equal(fread(p, 1, *size, f), *size);
    fclose(f);
    return p;
}

void test_write_bytes(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

int test_count_files(const char *part)
{
    DIR *dir = opendir(test_folder());
    assert_non_null(dir);
    int count = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        count += strstr(entry->d_name, part) != NULL;
    closedir(dir);
    return count;
}

dmx_separator *test_tiny;

int test_tiny_open(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_separator_open_file(
                  &test_tiny, test_data("demo/htdemucs_tiny-87685527.th"), NULL,
                  &err),
              &err);
    return 0;
}

int test_tiny_close(void **state)
{
    (void)state;
    dmx_separator_close(test_tiny);
    return 0;
}
