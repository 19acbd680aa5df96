#include "seeds_quantized.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct shape {
    int rank;
    int64_t dim[3];
} shape;

typedef struct type {
    const char *storage, *dtype; /* as PyTorch and as safetensors name it */
    int size;
} type;

typedef struct kind {
    bool uniform, packed, torch_pack;
    type levels, plain;
    shape level, bits;
} kind;

static const char *const truth[] = {"false", "true"};

/* One parameter of 16 levels in two rows. Packed, each has two bits, in one
 * line of int64 words or in two words of int16. */
#define LONG                                                                   \
    {                                                                          \
        "LongStorage", "I64", 8                                                \
    }
#define SHORT                                                                  \
    {                                                                          \
        "ShortStorage", "I16", 2                                               \
    }
#define HALF                                                                   \
    {                                                                          \
        "HalfStorage", "F16", 2                                                \
    }
#define FLOAT                                                                  \
    {                                                                          \
        "FloatStorage", "F32", 4                                               \
    }
static const kind kinds[QUANTIZED_KINDS] = {
    {true, true, false, LONG, FLOAT, {3, {1, 2, 32}}, {0}},
    {true, true, true, SHORT, FLOAT, {2, {2, 1}}, {0}},
    {false, true, false, LONG, HALF, {3, {1, 2, 32}}, {3, {1, 0, 32}}},
    {false, true, true, SHORT, HALF, {2, {2, 1}}, {2, {0, 1}}},
    {false, false, false, SHORT, FLOAT, {2, {2, 8}}, {2, {2, 1}}},
};

static const shape plain = {1, {2}};

static size_t count_of(const shape *s)
{
    size_t n = 1;
    for (int i = 0; i < s->rank; i++)
        n *= (size_t)s->dim[i];
    return n;
}

static void put_numbers(bytes *b, const type *t, const shape *s)
{
    for (size_t i = 0; i < count_of(s); i++)
        bytes_number(b, 2 + i % 2, t->size);
}

/* ----------------------------------------------------------------- pickles */

static void put_sizes(bytes *b, const shape *s)
{
    bytes_text(b, "(");
    for (int i = 0; i < s->rank; i++)
        pickle_int(b, s->dim[i]);
    bytes_text(b, "t");
}

static void put_strides(bytes *b, const shape *s)
{
    bytes_text(b, "(");
    for (int i = 0; i < s->rank; i++) {
        int64_t step = 1;
        for (int k = i + 1; k < s->rank; k++)
            step *= s->dim[k];
        pickle_int(b, step);
    }
    bytes_text(b, "t");
}

static void put_tensor(quantized_seed *s, const type *t, const shape *dims)
{
    const char key[2] = {(char)('0' + s->storages), '\0'};
    bytes *b = &s->pickle;
    bytes_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle_string(b, "storage");
    bytes_text(b, "ctorch\n");
    bytes_text(b, t->storage);
    bytes_text(b, "\n");
    pickle_string(b, key);
    pickle_string(b, "cpu");
    pickle_int(b, (int64_t)count_of(dims));
    bytes_text(b, "tQI0\n");
    put_sizes(b, dims);
    put_strides(b, dims);
    bytes_literal(b, "\x89}tR");
    put_numbers(&s->storage[s->storages], t, dims);
    s->count[s->storages++] = count_of(dims);
}

/* (levels, (low, high)), and for DiffQ the width of each row. */
static void put_entry(quantized_seed *s, const kind *k)
{
    const bool by_width = !k->uniform && k->packed;
    bytes_text(&s->pickle, by_width ? "(](N" : "(");
    put_tensor(s, &k->levels, &k->level);
    bytes_text(&s->pickle,
               by_width ? "eF-0.5\nF0.5\n\x86" : "F-0.5\nF0.5\n\x86");
    if (!k->uniform)
        put_tensor(s, &k->levels, &k->bits);
    bytes_text(&s->pickle, "t");
}

static void put_flag(bytes *b, const char *name, bool value)
{
    pickle_string(b, name);
    bytes_text(b, value ? "\x88" : "\x89");
}

static void put_meta(bytes *b, const kind *k)
{
    pickle_string(b, "meta");
    bytes_text(b, "}(");
    pickle_string(b, "init_kwargs");
    bytes_text(b, "}(");
    pickle_string(b, k->uniform ? "bits" : "group_size");
    pickle_int(b, k->uniform ? 2 : 8);
    pickle_string(b, "min_size");
    bytes_text(b, "F1e-5\nu");
    pickle_string(b, "klass");
    bytes_text(b, k->uniform ? "cdiffq.uniform\nUniformQuantizer\n"
                             : "cdiffq.diffq\nDiffQuantizer\n");
    put_flag(b, "packed", k->packed);
    put_flag(b, "torch_pack", k->torch_pack);
    bytes_text(b, "u");
}

void quantized_seed_open(quantized_seed *s, int number)
{
    const kind *k = &kinds[number];
    bytes *b = &s->pickle;
    *s = (quantized_seed){0};
    bytes_literal(b, "\x80\x02}(");
    pickle_string(b, "klass");
    bytes_text(b, "cdemucs.hdemucs\nHDemucs\n");
    pickle_string(b, "kwargs");
    bytes_text(b, "}");
    pickle_string(b, "state");
    bytes_text(b, "}(");
    pickle_string(b, "quantized");
    bytes_text(b, "](");
    put_entry(s, k);
    bytes_text(b, "e");
    pickle_string(b, k->plain.size == 2 ? "float16" : "others");
    bytes_text(b, "](");
    put_tensor(s, &k->plain, &plain);
    bytes_text(b, "e");
    pickle_string(b, k->plain.size == 2 ? "others" : "float16");
    bytes_text(b, "]");
    put_meta(b, k);
    put_flag(b, "__quantized", true);
    bytes_text(b, "uu.");
}

void quantized_seed_close(quantized_seed *s)
{
    bytes_free(&s->pickle);
    for (size_t i = 0; i < s->storages; i++)
        bytes_free(&s->storage[i]);
}

/* ------------------------------------------------------------- safetensors */

typedef struct flat {
    bytes header, data;
} flat;

static void add(flat *f, const char *name, const type *t, const shape *s)
{
    char line[256];
    const size_t from = f->data.size;
    put_numbers(&f->data, t, s);
    snprintf(line, sizeof line, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", name,
             t->dtype);
    bytes_text(&f->header, line);
    for (int i = 0; i < s->rank; i++) {
        snprintf(line, sizeof line, "%s%lld", i > 0 ? "," : "",
                 (long long)s->dim[i]);
        bytes_text(&f->header, line);
    }
    snprintf(line, sizeof line, "],\"data_offsets\":[%zu,%zu]}", from,
             f->data.size);
    bytes_text(&f->header, line);
}

/* The structure is JSON inside a JSON string; ' stands for its quotes. */
static void put_quoted(bytes *b, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\'')
            bytes_text(b, "\\\"");
        else
            bytes_put(b, text, 1);
}

static void put_named(bytes *b, const char *before, const char *name,
                      const char *after)
{
    put_quoted(b, before);
    put_quoted(b, name);
    put_quoted(b, after);
}

static void put_settings(bytes *b, const kind *k)
{
    put_named(b, "['meta',{'_dict':[['klass',{'_class':'",
              k->uniform ? "diffq.uniform.UniformQuantizer"
                         : "diffq.diffq.DiffQuantizer",
              "'}],['init_kwargs',{'_dict':[[");
    put_quoted(b, k->uniform ? "'bits',2" : "'group_size',8");
    put_named(b, "],['min_size',1e-5]]}],['packed',", truth[k->packed], "],");
    put_named(b, "['torch_pack',", truth[k->torch_pack], "]]}],");
}

static void put_structure(bytes *b, const kind *k)
{
    const bool by_width = !k->uniform && k->packed, halves = k->plain.size == 2;
    put_quoted(b, "{'_dict':[['quantized',{'_list':[{'_tuple':[");
    put_named(b, by_width ? "{'_list':[null," : "", "{'_tensor':'levels'}",
              by_width ? "]}," : ",");
    put_quoted(b, "{'_tuple':[-0.5,0.5]}");
    put_quoted(b, k->uniform ? "" : ",{'_tensor':'bits'}");
    put_named(b, "]}]}],['", halves ? "float16" : "others",
              "',{'_list':[{'_tensor':'plain'}]}],");
    put_named(b, "['", halves ? "others" : "float16", "',{'_list':[]}],");
    put_settings(b, k);
    put_quoted(b, "['__quantized',true]]}");
}

void quantized_safetensors(bytes *file, int number)
{
    const kind *k = &kinds[number];
    flat f = {0};
    bytes_text(&f.header, "{\"__metadata__\":{\"klass\":\"demucs.hdemucs."
                          "HDemucs\",\"args\":\"[]\",\"kwargs\":\"{}\","
                          "\"structure\":\"");
    put_structure(&f.header, k);
    bytes_text(&f.header, "\"}");
    add(&f, "levels", &k->levels, &k->level);
    if (!k->uniform)
        add(&f, "bits", &k->levels, &k->bits);
    add(&f, "plain", &k->plain, &plain);
    bytes_text(&f.header, "}");
    bytes_number(file, f.header.size, 8);
    bytes_put(file, f.header.data, f.header.size);
    bytes_put(file, f.data.data, f.data.size);
    bytes_free(&f.header);
    bytes_free(&f.data);
}
