#include "fuzz_open.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/quantized.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_LEVELS = 4096 };

static void require(int promise)
{
    if (!promise)
        abort();
}

static void read_weight(const dmx_checkpoint *c, const dmx_tensor *t)
{
    const size_t n = dmx_tensor_count(t);
    require(dmx_checkpoint_find(c, t->name) == t);
    require(n <= c->file_size + ((size_t)16 << 20));
    float *x = n < 65536 ? calloc(n + 1, sizeof *x) : NULL;
    if (x != NULL)
        dmx_tensor_to_f32(x, t);
    free(x);
}

/* As many numbers as its parameter may have: the levels only, when each has its
 * own; else what a parameter of some shape would ask for. */
static void unpack(const dmx_quantized *q, const dmx_quantized_entry *e)
{
    static const uint64_t counts[] = {1, 16, 2048, MOST_LEVELS};
    static float x[MOST_LEVELS];
    for (size_t i = 0; i <= sizeof counts / sizeof *counts; i++) {
        const uint64_t n = i > 0 ? counts[i - 1] : e->level[0].count;
        dmx_error err = DMX_ERROR_INIT;
        if (n <= MOST_LEVELS)
            require(dmx_quantized_unpack(x, n, q, e, &err) == err.code);
    }
}

static void check_quantized(const dmx_quantized *q)
{
    for (size_t i = 0; i < q->n_entry; i++)
        unpack(q, &q->entry[i]);
    for (size_t i = 0; i < q->n_plain; i++)
        require(q->plain[i].dtype >= 0 && q->plain[i].dtype != DMX_I64);
}

/* Weights have names, or are levels in a quantized state. */
static void check_checkpoint(const dmx_checkpoint *c)
{
    require((c->n_tensor != 0) == (c->quantized == NULL));
    require(strlen(c->sha256) == 64);
    if (c->quantized != NULL)
        check_quantized(c->quantized);
    require((c->klass_name == NULL) == (c->kwargs == NULL));
    for (size_t i = 0; i < c->n_tensor; i++)
        read_weight(c, &c->tensor[i]);
    char *json = dmx_checkpoint_json(c);
    require(json != NULL);
    dmx_free(json);
}

static int read_range(void *user, size_t offset, void *out, size_t size)
{
    const dmx_blob *file = user;
    require(offset <= file->size && size <= file->size - offset);
    memcpy(out, file->data + offset, size);
    return 0;
}

static void fetch_weight(const dmx_tensor *t)
{
    dmx_tensor here;
    void *bytes;
    require(dmx_tensor_fetch(&here, &bytes, t, NULL) == DMX_OK);
    free(bytes);
}

/* Read by ranges, the file opens or fails just as it does in one piece. */
static void open_ranges(const uint8_t *data, size_t size, dmx_status wanted)
{
    dmx_blob file = {malloc(size + (size == 0)), size};
    if (file.data == NULL)
        return;
    if (size != 0)
        memcpy(file.data, data, size);
    const dmx_source source = {size, read_range, &file};
    dmx_checkpoint *c;
    require(dmx_checkpoint_open_source(&c, &source, "fuzz.th", NULL, NULL) ==
            wanted);
    for (size_t i = 0; c != NULL && i < c->n_tensor; i++)
        fetch_weight(&c->tensor[i]);
    dmx_checkpoint_close(c);
    free(file.data);
}

void fuzz_open(const uint8_t *data, size_t size)
{
    /* Exactly as long as the file, so that the sanitizer sees overruns. */
    dmx_blob blob = {dmx_aligned_alloc(size + (size == 0), 1), size};
    if (blob.data == NULL)
        return;
    if (size != 0)
        memcpy(blob.data, data, size);
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status =
        dmx_checkpoint_open_blob(&c, &blob, "fuzz.th", NULL, &err);
    require(status == err.code);
    require((status == DMX_OK) == (c != NULL));
    if (status == DMX_OK)
        check_checkpoint(c);
    else
        require(err.message[0] != '\0' && strchr(err.message, '\n') == NULL);
    dmx_checkpoint_close(c);
    open_ranges(data, size, status);
}
