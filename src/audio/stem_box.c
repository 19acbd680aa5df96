#include "audio/stem_box.h"
#include "audio/byte_order.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ JSON */

/* The format's own colours, in the order of its stems. */
static const char *const colour[DMX_STEM_COUNT] = {"#009E73", "#D55E00",
                                                   "#CC79A7", "#56B4E9"};

/* A compressor and a limiter for the sum of the stems, switched off, so that
 * the sum is the unchanged mix. The other values are those of the format's
 * description; readers expect them to be present. */
static bool add_mastering(dmx_json *top)
{
    static const struct {
        const char *key;
        double value;
    } compressor[] = {{"input_gain", 0.5}, {"output_gain", 0.5},
                      {"threshold", 0},    {"dry_wet", 50},
                      {"attack", 0.003},   {"release", 0.3},
                      {"ratio", 10},       {"hp_cutoff", 300}},
      limiter[] = {{"release", 0.05}, {"threshold", 0}, {"ceiling", -0.35}};
    dmx_json *dsp = dmx_json_add_object(top, "mastering_dsp");
    dmx_json *c = dmx_json_add_object(dsp, "compressor");
    dmx_json *l = dmx_json_add_object(dsp, "limiter");
    bool good = dmx_json_add_bool(c, "enabled", false) != NULL &&
                dmx_json_add_bool(l, "enabled", false) != NULL;
    for (size_t i = 0; i < sizeof compressor / sizeof *compressor; i++)
        good = good && dmx_json_add_number(c, compressor[i].key,
                                           compressor[i].value) != NULL;
    for (size_t i = 0; i < sizeof limiter / sizeof *limiter; i++)
        good = good &&
               dmx_json_add_number(l, limiter[i].key, limiter[i].value) != NULL;
    return good;
}

static bool add_stems(dmx_json *top, const char *const *name)
{
    dmx_json *stems = dmx_json_add_array(top, "stems");
    bool good = stems != NULL;
    for (int i = 0; good && i < DMX_STEM_COUNT; i++) {
        dmx_json *stem = dmx_json_new(DMX_JSON_OBJECT);
        good = dmx_json_add_string(stem, "name", name[i]) != NULL &&
               dmx_json_add_string(stem, "color", colour[i]) != NULL &&
               dmx_json_append(stems, stem);
        if (!good)
            dmx_json_free(stem);
    }
    return good;
}

static char *stem_json(const char *const *name)
{
    dmx_json *top = dmx_json_new(DMX_JSON_OBJECT);
    char *text = NULL;
    if (dmx_json_add_number(top, "version", 1) != NULL && add_mastering(top) &&
        add_stems(top, name))
        text = dmx_json_print_compact(top);
    dmx_json_free(top);
    return text;
}

/* ----------------------------------------------------------------- boxes */

typedef struct box {
    int64_t at, size;
    bool large; /* 64 bits of size */
} box;

typedef enum found { NOWHERE, LAST, AMIDST } found;

/* The box of that type between from and to, and where it stands. */
static found find(box *out, FILE *f, const char *type, int64_t from, int64_t to)
{
    unsigned char head[16];
    while (from + 8 <= to && fseeko(f, from, SEEK_SET) == 0 &&
           fread(head, 1, 8, f) == 8) {
        *out = (box){from, (int64_t)dmx_bytes_number(head, 4, true), false};
        if (out->size == 1 && fread(head + 8, 1, 8, f) == 8) {
            out->size =
                (int64_t)(dmx_bytes_number(head + 8, 8, true) & INT64_MAX);
            out->large = true;
        }
        if (out->size < 8 || out->size > to - from)
            return AMIDST;
        from += out->size;
        if (memcmp(head + 4, type, 4) == 0)
            return from == to && !out->large ? LAST : AMIDST;
    }
    return NOWHERE;
}

static dmx_status write_failed(const dmx_sink *sink, dmx_error *err)
{
    return dmx_sink_failure(sink, errno, err);
}

/* A box's head, or with type NULL its size alone. */
static dmx_status put_head(const dmx_sink *sink, int64_t at, int64_t size,
                           const char *type, dmx_error *err)
{
    unsigned char head[4];
    dmx_bytes_put_be32(head, (uint64_t)size);
    if (fseeko(sink->stream, at, SEEK_SET) != 0)
        return write_failed(sink, err);
    DMX_FORWARD(dmx_sink_write(sink, head, sizeof head, err));
    return type != NULL ? dmx_sink_write(sink, type, 4, err) : DMX_OK;
}

static dmx_status append(const dmx_sink *sink, const char *json, dmx_error *err)
{
    FILE *f = sink->stream;
    box moov, udta;
    if (fflush(f) != 0 || fseeko(f, 0, SEEK_END) != 0)
        return write_failed(sink, err);
    const int64_t end = ftello(f);
    const found old = end >= 0 && find(&moov, f, "moov", 0, end) == LAST
                          ? find(&udta, f, "udta", moov.at + 8, end)
                          : AMIDST;
    DMX_RETURN_IF(old == AMIDST, err, DMX_ERROR_UNSUPPORTED,
                  "%s: these FFmpeg libraries don't end an MP4 file with its "
                  "index, so no stems can be named in it",
                  sink->name);
    const int64_t length = (int64_t)strlen(json);
    const int64_t more = old == LAST ? 0 : 8;
    if (old == NOWHERE)
        udta = (box){end, 8, false};
    const int64_t grown = 8 + length + more;
    DMX_RETURN_IF(moov.size + grown > UINT32_MAX, err, DMX_ERROR_LIMIT,
                  "%s: too long for an MP4 file", sink->name);
    DMX_FORWARD(put_head(sink, moov.at, moov.size + grown, NULL, err));
    DMX_FORWARD(put_head(sink, udta.at, udta.size + 8 + length, "udta", err));
    DMX_FORWARD(put_head(sink, end + more, 8 + length, "stem", err));
    return dmx_sink_write(sink, json, (size_t)length, err);
}

dmx_status dmx_stem_box_add(const dmx_sink *sink,
                            const char *const name[DMX_STEM_COUNT],
                            dmx_error *err)
{
    char *json = stem_json(name);
    DMX_RETURN_IF(json == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  sink->name);
    const dmx_status status = append(sink, json, err);
    free(json);
    return status;
}
