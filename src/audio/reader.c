#include "audio/reader.h"
#include "audio/decoder.h"
#include "audio/spool.h"
#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPOOL_LIMIT (16ull << 30)
#define MAX_SECONDS 360000.0 /* 100 hours */
#define RAW_BLOCK   65536

struct dmx_audio_reader {
    char *name;
    int fd;
    int64_t size;
    const dmx_hooks *hooks;
    dmx_decoder *decoder; /* NULL for raw PCM */
    dmx_raw_spec raw;
    unsigned char *raw_bytes; /* RAW_BLOCK of them */
    bool is_raw;
    bool warned;
    dmx_audio_info info;
    dmx_audio_tags tags;
    int64_t max_frames;
    int64_t position;
    int64_t nonfinite;
};

static void describe_raw(dmx_audio_reader *r)
{
    static const char *const codec[] = {"pcm_u8",  "pcm_s16", "pcm_s24",
                                        "pcm_s32", "pcm_f32", "pcm_f64"};
    static const int bits[] = {8, 16, 24, 32, 32, 64};
    const dmx_raw_spec *raw = &r->raw;
    dmx_audio_info *info = &r->info;
    *info = (dmx_audio_info){
        .rate = raw->rate,
        .channels = raw->channels,
        .frames = r->size / (int64_t)dmx_raw_frame_size(raw),
        .exact = 1,
        .bits = bits[raw->encoding],
        .is_float = raw->encoding >= DMX_RAW_F32,
        .container = "raw",
    };
    snprintf(info->codec, sizeof info->codec, "%s", codec[raw->encoding]);
    if (raw->channels <= 2)
        info->layout = raw->channels == 1 ? 4 : 3;
    dmx_av_layout_name(info->layout_name, sizeof info->layout_name,
                       info->layout, raw->channels);
}

static dmx_status open_raw(dmx_audio_reader *r, dmx_error *err)
{
    const int64_t frame_size = (int64_t)dmx_raw_frame_size(&r->raw);
    DMX_RETURN_IF(r->size < frame_size, err, DMX_ERROR_FORMAT,
                  "%s: not even one frame of %lld bytes", r->name,
                  (long long)frame_size);
    if (r->size % frame_size != 0)
        dmx_warn(r->hooks,
                 "%s: %lld bytes after the last whole frame are ignored; is "
                 "the raw format right?",
                 r->name, (long long)(r->size % frame_size));
    r->raw_bytes = malloc(RAW_BLOCK);
    DMX_RETURN_IF(r->raw_bytes == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  r->name);
    describe_raw(r);
    return DMX_OK;
}

static dmx_status open_file(dmx_audio_reader *r, dmx_error *err)
{
    DMX_FORWARD(dmx_decoder_open(&r->decoder, r->fd, r->size, r->name, err));
    dmx_decoder_info(r->decoder, &r->info);
    return dmx_decoder_tags(r->decoder, &r->tags, r->hooks, err);
}

static dmx_status open_any(dmx_audio_reader *r, const char *path,
                           const dmx_audio_reader_options *o, dmx_error *err)
{
    r->name = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    DMX_RETURN_IF(r->name == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  path);
    r->hooks = o->hooks;
    DMX_FORWARD(dmx_spool_open(
        &r->fd, &r->size, path, o->spool_folder,
        o->spool_limit != 0 ? o->spool_limit : SPOOL_LIMIT, o->hooks, err));
    r->is_raw = o->raw != NULL;
    if (r->is_raw)
        r->raw = *o->raw;
    DMX_FORWARD(r->is_raw ? open_raw(r, err) : open_file(r, err));
    const double seconds = o->max_seconds > 0 ? o->max_seconds : MAX_SECONDS;
    r->max_frames = (int64_t)fmin(seconds * r->info.rate, 0x1p62);
    return DMX_OK;
}

dmx_status dmx_audio_reader_open(dmx_audio_reader **out, const char *path,
                                 const dmx_audio_reader_options *options,
                                 dmx_error *err)
{
    const dmx_audio_reader_options defaults = DMX_AUDIO_READER_OPTIONS_INIT;
    *out = NULL;
    dmx_audio_reader *r = calloc(1, sizeof *r);
    DMX_RETURN_IF(r == NULL, err, DMX_ERROR_MEMORY, "%s: no memory", path);
    r->fd = -1;
    const dmx_status status =
        open_any(r, path, options != NULL ? options : &defaults, err);
    if (status != DMX_OK) {
        dmx_audio_reader_close(r);
        return status;
    }
    *out = r;
    return DMX_OK;
}

void dmx_audio_reader_close(dmx_audio_reader *r)
{
    if (r == NULL)
        return;
    dmx_decoder_close(r->decoder);
    if (r->fd >= 0)
        close(r->fd);
    dmx_audio_tags_free(&r->tags);
    free(r->raw_bytes);
    free(r->name);
    free(r);
}

const dmx_audio_info *dmx_audio_reader_info(const dmx_audio_reader *r)
{
    return &r->info;
}

const dmx_audio_tags *dmx_audio_reader_tags(const dmx_audio_reader *r)
{
    return &r->tags;
}

static dmx_status read_raw(dmx_audio_reader *r, float *const *planes, size_t at,
                           size_t capacity, size_t *got, dmx_error *err)
{
    const size_t frame_size = dmx_raw_frame_size(&r->raw);
    const int64_t left = r->info.frames - (r->position + (int64_t)at);
    size_t n = RAW_BLOCK / frame_size;
    if (n > capacity)
        n = capacity;
    if ((int64_t)n > left)
        n = (size_t)left;
    const off_t from = (off_t)frame_size * (r->position + (int64_t)at);
    size_t done = 0;
    while (done < n * frame_size) {
        const ssize_t k = pread(r->fd, r->raw_bytes + done,
                                n * frame_size - done, from + (off_t)done);
        if (k < 0 && errno == EINTR)
            continue;
        DMX_RETURN_IF(k <= 0, err, DMX_ERROR_IO, "%s: read failed: %s", r->name,
                      k < 0 ? strerror(errno) : "the file shrank");
        done += (size_t)k;
    }
    dmx_raw_decode(planes, at, r->raw_bytes, n, &r->raw);
    *got = n;
    return DMX_OK;
}

/* Replaces NaN and infinities by 0; returns how many there were. */
static int64_t clean(float *x, size_t n)
{
    int64_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) {
            x[i] = 0;
            count++;
        }
    return count;
}

/* The pass is complete: its length is known now, and what was amiss. */
static void finish_pass(dmx_audio_reader *r)
{
    const int64_t damaged =
        r->decoder != NULL ? dmx_decoder_damaged(r->decoder) : 0;
    const bool cut_off = r->info.exact && r->position < r->info.frames;
    if (!r->warned && cut_off)
        dmx_warn(r->hooks,
                 "%s: cut off: only %lld of the %lld samples it announces are "
                 "there",
                 r->name, (long long)r->position, (long long)r->info.frames);
    else if (!r->warned && damaged > 0)
        dmx_warn(r->hooks,
                 "%s: damaged: %lld packets could not be decoded and are "
                 "silent",
                 r->name, (long long)damaged);
    r->warned = true;
    r->info.frames = r->position;
    r->info.exact = 1;
}

dmx_status dmx_audio_reader_read(dmx_audio_reader *r, float *const *planes,
                                 size_t capacity, size_t *got, dmx_error *err)
{
    size_t done = 0, n = 1;
    *got = 0;
    DMX_RETURN_IF(!r->is_raw && r->decoder == NULL, err, DMX_ERROR_IO,
                  "%s: could not be opened again", r->name);
    while (done < capacity && n > 0) {
        DMX_FORWARD(r->is_raw
                        ? read_raw(r, planes, done, capacity - done, &n, err)
                        : dmx_decoder_read(r->decoder, planes, done,
                                           capacity - done, &n, err));
        done += n;
    }
    for (int c = 0; c < r->info.channels; c++)
        r->nonfinite += clean(planes[c], done);
    r->position += (int64_t)done;
    DMX_RETURN_IF(r->position > r->max_frames, err, DMX_ERROR_LIMIT,
                  "%s: longer than the limit of %.0f seconds", r->name,
                  (double)r->max_frames / r->info.rate);
    if (done < capacity)
        finish_pass(r);
    *got = done;
    return DMX_OK;
}

dmx_status dmx_audio_reader_rewind(dmx_audio_reader *r, dmx_error *err)
{
    if ((r->position > 0 || r->decoder == NULL) && !r->is_raw) {
        /* Seeking is exact in few formats; a second decoder is in all. The
         * first one goes before, for its index may be large. */
        dmx_decoder_close(r->decoder);
        r->decoder = NULL;
        DMX_FORWARD(
            dmx_decoder_open(&r->decoder, r->fd, r->size, r->name, err));
    }
    r->position = 0;
    r->nonfinite = 0;
    return DMX_OK;
}

int64_t dmx_audio_reader_position(const dmx_audio_reader *r)
{
    return r->position;
}

int64_t dmx_audio_reader_nonfinite(const dmx_audio_reader *r)
{
    return r->nonfinite;
}
