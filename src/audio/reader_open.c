#include "audio/reader.h"
#include "audio/chain.h"
#include "audio/file_tags.h"
#include "audio/pcm_file.h"
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
    int stream;       /* requested; 0: the first */
    dmx_chain *chain; /* NULL for plain samples */
    dmx_raw_spec raw;
    int64_t raw_offset, raw_frames;
    unsigned char *raw_bytes; /* RAW_BLOCK of them */
    bool is_raw;
    bool warned;
    dmx_audio_info info;
    dmx_audio_tags tags;
    int64_t max_frames;
    int64_t position;
    int64_t nonfinite;
    int64_t first_frames, first_damaged; /* of the first pass; -1: not over */
};

static dmx_status prepare_raw(dmx_audio_reader *r, dmx_error *err)
{
    r->is_raw = true;
    r->raw_bytes = malloc(RAW_BLOCK);
    DMX_RETURN_IF(r->raw_bytes == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  r->name);
    return DMX_OK;
}

static void describe_raw(dmx_audio_reader *r, const char *container)
{
    const dmx_raw_spec *raw = &r->raw;
    dmx_audio_info *info = &r->info;
    *info = (dmx_audio_info){
        .rate = raw->rate,
        .channels = raw->channels,
        .frames = r->raw_frames,
        .exact = 1,
        .bits = dmx_raw_bits(raw),
        .is_float =
            raw->encoding == DMX_RAW_F32 || raw->encoding == DMX_RAW_F64,
    };
    dmx_raw_name(info->codec, raw);
    snprintf(info->container, sizeof info->container, "%s", container);
}

static void describe_layout(dmx_audio_reader *r, uint64_t layout)
{
    dmx_audio_info *info = &r->info;
    info->layout = layout;
    dmx_av_layout_name(info->layout_name, sizeof info->layout_name, layout,
                       info->channels);
}

static dmx_status open_raw(dmx_audio_reader *r, dmx_error *err)
{
    const int64_t frame_size = (int64_t)dmx_raw_frame_size(&r->raw);
    DMX_RETURN_IF(r->size < frame_size, err, DMX_ERROR_FORMAT,
                  "%s: not even one frame of %lld bytes", r->name,
                  (long long)frame_size);
    if (r->size % frame_size != 0)
        dmx_warn(r->hooks,
                 "%lld bytes after the last whole frame are ignored; is the "
                 "raw format right?",
                 (long long)(r->size % frame_size));
    r->raw_frames = r->size / frame_size;
    DMX_FORWARD(prepare_raw(r, err));
    describe_raw(r, "raw");
    describe_layout(r, r->raw.channels > 2 ? 0 : r->raw.channels == 1 ? 4 : 3);
    return DMX_OK;
}

/* Opens samples whose position and type dmx_pcm_find has found. */
static dmx_status open_pcm(dmx_audio_reader *r, const dmx_pcm_file *file,
                           dmx_error *err)
{
    r->raw = file->raw;
    r->raw_offset = file->offset;
    r->raw_frames = file->frames;
    DMX_RETURN_IF(r->stream > 1, err, DMX_ERROR_ARGUMENT,
                  "%s: there is no audio stream %d; it has one", r->name,
                  r->stream);
    if (file->more > 0)
        dmx_warn(r->hooks,
                 "%lld more samples are in a second data chunk, which is not "
                 "part of the sound; they are left out",
                 (long long)file->more);
    DMX_FORWARD(prepare_raw(r, err));
    describe_raw(r, file->container);
    if (r->info.bits != 0)
        r->info.bits = file->bits;
    if (file->announced >= 0)
        r->info.frames = file->announced;
    uint64_t layout = file->layout;
    DMX_FORWARD(dmx_file_tags_open(&r->tags, &layout, r->fd, r->size, file->id3,
                                   r->name, r->info.channels, r->hooks, err));
    describe_layout(r, layout);
    return DMX_OK;
}

static dmx_status open_file(dmx_audio_reader *r, dmx_error *err)
{
    dmx_pcm_file pcm;
    bool found;
    DMX_FORWARD(dmx_pcm_find(&pcm, &found, r->fd, r->size, r->name, err));
    if (found)
        return open_pcm(r, &pcm, err);
    DMX_FORWARD(dmx_chain_open(&r->chain, r->fd, r->size, r->name, r->stream,
                               r->hooks, err));
    dmx_chain_info(r->chain, &r->info);
    return dmx_chain_tags(r->chain, &r->tags, r->hooks, err);
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
    r->stream = o->stream;
    if (o->raw != NULL)
        r->raw = *o->raw;
    DMX_FORWARD(o->raw != NULL ? open_raw(r, err) : open_file(r, err));
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
    r->first_frames = -1;
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
    dmx_chain_close(r->chain);
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
    const int64_t left = r->raw_frames - (r->position + (int64_t)at);
    size_t n = RAW_BLOCK / frame_size;
    if (n > capacity)
        n = capacity;
    if ((int64_t)n > left)
        n = (size_t)left;
    const off_t from =
        r->raw_offset + (off_t)frame_size * (r->position + (int64_t)at);
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

/* A decoder that once ran out of memory may have silently dropped a packet;
 * then the passes differ. */
static dmx_status compare_passes(dmx_audio_reader *r, int64_t damaged,
                                 dmx_error *err)
{
    if (r->first_frames < 0) {
        r->first_frames = r->position;
        r->first_damaged = damaged;
    }
    DMX_RETURN_IF(
        r->first_frames != r->position || r->first_damaged != damaged, err,
        DMX_ERROR_IO,
        "%s: reading it twice gave %lld and %lld samples, %lld and %lld "
        "damaged packets: memory was short, or the file is being written",
        r->name, (long long)r->first_frames, (long long)r->position,
        (long long)r->first_damaged, (long long)damaged);
    return DMX_OK;
}

/* Ends a complete pass: records its length and reports damage. */
static dmx_status finish_pass(dmx_audio_reader *r, dmx_error *err)
{
    const int64_t damaged = r->chain != NULL ? dmx_chain_damaged(r->chain) : 0;
    const bool cut_off = r->info.exact && r->position < r->info.frames;
    if (!r->warned && cut_off)
        dmx_warn(r->hooks,
                 "cut off: only %lld of the %lld samples it announces are "
                 "there",
                 (long long)r->position, (long long)r->info.frames);
    else if (!r->warned && damaged > 0)
        dmx_warn(r->hooks,
                 "damaged: %lld packets could not be decoded and are silent",
                 (long long)damaged);
    r->warned = true;
    r->info.frames = r->position;
    r->info.exact = 1;
    return compare_passes(r, damaged, err);
}

dmx_status dmx_audio_reader_read(dmx_audio_reader *r, float *const *planes,
                                 size_t capacity, size_t *got, dmx_error *err)
{
    size_t done = 0, n = 1;
    *got = 0;
    DMX_RETURN_IF(!r->is_raw && r->chain == NULL, err, DMX_ERROR_IO,
                  "%s: could not be opened again", r->name);
    while (done < capacity && n > 0) {
        DMX_FORWARD(r->is_raw
                        ? read_raw(r, planes, done, capacity - done, &n, err)
                        : dmx_chain_read(r->chain, planes, done,
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
        DMX_FORWARD(finish_pass(r, err));
    *got = done;
    return DMX_OK;
}

dmx_status dmx_audio_reader_rewind(dmx_audio_reader *r, dmx_error *err)
{
    if ((r->position > 0 || r->chain == NULL) && !r->is_raw) {
        /* Seeking is exact in few formats; opening a second decoder is exact in
         * all. The first one is closed before, since its index may be large. */
        dmx_chain_close(r->chain);
        r->chain = NULL;
        DMX_FORWARD(dmx_chain_open(&r->chain, r->fd, r->size, r->name,
                                   r->stream, NULL, err));
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
