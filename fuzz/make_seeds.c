/* make_seeds OUT CHECKPOINT...: small files of every container from real
 * checkpoints: class, arguments and the first weights. OUT/pickle, OUT/zip,
 * OUT/legacy and OUT/safetensors must exist. */
#include "checkpoint_case.h"
#include "seeds_quantized.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHTS = 3, MAX_ELEMENTS = 64 };

static const char *out;

static void save(const char *target, size_t number, const bytes *b)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/seed%03zu", out, target, number);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(b->data, 1, b->size, f) != b->size) {
        perror(path);
        exit(1);
    }
    fclose(f);
}

/* Arguments are a few levels deep. */
static void put_json(bytes *b, const dmx_json *json)
{
    const dmx_json *numerator = dmx_json_get(json, "numerator");
    if (numerator != NULL) {
        bytes_text(b, "cfractions\nFraction\n");
        pickle_int(b, (int64_t)numerator->valuedouble);
        pickle_int(b, (int64_t)numerator->next->valuedouble);
        bytes_literal(b, "\x86R");
    } else if (dmx_json_is_string(json)) {
        pickle_string(b, json->valuestring);
    } else if (dmx_json_is_number(json)) {
        char text[40];
        snprintf(text, sizeof text, "F%.17g\n", json->valuedouble);
        bytes_text(b, text);
    } else if (dmx_json_is_array(json) || dmx_json_is_object(json)) {
        bytes_text(b, dmx_json_is_array(json) ? "](" : "}(");
        for (const dmx_json *i = json->child; i != NULL; i = i->next) {
            if (dmx_json_is_object(json))
                pickle_string(b, i->string);
            put_json(b, i);
        }
        bytes_text(b, dmx_json_is_array(json) ? "e" : "u");
    } else {
        bytes_text(b, dmx_json_is_null(json)   ? "N"
                      : dmx_json_is_true(json) ? "\x88"
                                               : "\x89");
    }
}

static const char *storage_name(dmx_dtype dtype)
{
    static const char *const names[] = {"HalfStorage", "BFloat16Storage",
                                        "FloatStorage", "DoubleStorage",
                                        "LongStorage"};
    return names[dtype];
}

static void put_numbers(bytes *b, const int64_t *numbers, int count)
{
    bytes_text(b, "(");
    for (int i = 0; i < count; i++)
        pickle_int(b, numbers[i]);
    bytes_text(b, "t");
}

static bool small(const dmx_tensor *t)
{
    return dmx_tensor_count(t) <= MAX_ELEMENTS;
}

static void put_weights(bytes *b, const dmx_checkpoint *c)
{
    char key[2] = "0";
    bytes_text(b, "}(");
    for (size_t i = 0; i < c->n_tensor && key[0] < '0' + WEIGHTS; i++) {
        const dmx_tensor *t = &c->tensor[i];
        if (!small(t))
            continue;
        bytes shape = {0}, strides = {0};
        put_numbers(&shape, t->dim, t->rank);
        put_numbers(&strides, t->stride, t->rank);
        pickle_string(b, t->name);
        bytes_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
        pickle_string(b, "storage");
        bytes_text(b, "ctorch\n");
        bytes_text(b, storage_name(t->dtype));
        bytes_text(b, "\n");
        pickle_string(b, key);
        pickle_string(b, "cpu");
        pickle_int(b, (int64_t)dmx_tensor_count(t));
        bytes_text(b, "tQI0\n");
        bytes_put(b, shape.data, shape.size);
        bytes_put(b, strides.data, strides.size);
        bytes_literal(b, "\x89"
                         "ccollections\nOrderedDict\n)RtR");
        bytes_free(&shape);
        bytes_free(&strides);
        key[0]++;
    }
    bytes_text(b, "u");
}

static void make_pickle(bytes *b, const dmx_checkpoint *c)
{
    bytes_literal(b, "\x80\x02");
    if (c->klass_name == NULL) {
        put_weights(b, c);
        bytes_text(b, ".");
        return;
    }
    bytes_text(b, "}(");
    pickle_string(b, "klass");
    bytes_text(b, "c");
    bytes_text(b, c->klass_module);
    bytes_text(b, "\n");
    bytes_text(b, c->klass_name);
    bytes_text(b, "\n");
    pickle_string(b, "kwargs");
    put_json(b, c->kwargs);
    pickle_string(b, "state");
    put_weights(b, c);
    bytes_text(b, "u.");
}

/* The first small weights, as storages "0", "1", ... */
static size_t take_storages(bytes *storage, size_t *count,
                            const dmx_checkpoint *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_tensor && n < WEIGHTS; i++) {
        const dmx_tensor *t = &c->tensor[i];
        if (!small(t))
            continue;
        count[n] = dmx_tensor_count(t);
        bytes_put(&storage[n], t->data, count[n] * dmx_dtype_size(t->dtype));
        n++;
    }
    return n;
}

static void make_zip(bytes *b, const bytes *pickle, const bytes *storage,
                     size_t n)
{
    zip_writer z = {0};
    char name[] = "model/data/0";
    zip_add(&z, "model/data.pkl", pickle->data, pickle->size);
    zip_add(&z, "model/byteorder", "little", 6);
    for (size_t i = 0; i < n; i++, name[sizeof name - 2]++)
        zip_add(&z, name, storage[i].data, storage[i].size);
    zip_end(&z);
    bytes_put(b, z.file.data, z.file.size);
    zip_free(&z);
}

static void make_legacy(bytes *b, const bytes *pickle, const bytes *storage,
                        const size_t *count, size_t n)
{
    char key[] = "U\x01"
                 "0";
    bytes_literal(b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                     "\x80\x02M\xe9\x03.\x80\x02}U\x0dlittle_endian\x88s.");
    bytes_put(b, pickle->data, pickle->size);
    bytes_literal(b, "\x80\x02](");
    for (size_t i = 0; i < n; i++, key[2]++)
        bytes_text(b, key);
    bytes_text(b, "e.");
    for (size_t i = 0; i < n; i++) {
        bytes_number(b, count[i], 8);
        bytes_put(b, storage[i].data, storage[i].size);
    }
}

static void make_safetensors(bytes *b, const dmx_checkpoint *c)
{
    bytes header = {0};
    char *kwargs = dmx_json_print_compact(c->kwargs);
    dmx_json *quoted = dmx_json_new_string(kwargs != NULL ? kwargs : "{}");
    char *text = dmx_json_print_compact(quoted);
    char line[1024];
    size_t at = 0;
    bytes_text(&header,
               "{\"__metadata__\":{\"klass\":\"demucs.htdemucs.HTDemucs"
               "\",\"args\":\"[]\",\"kwargs\":");
    bytes_text(&header, text);
    bytes_text(&header, "}");
    for (size_t i = 0, n = 0; i < c->n_tensor && n < WEIGHTS; i++) {
        const dmx_tensor *t = &c->tensor[i];
        if (!small(t) || t->rank != 1)
            continue;
        const size_t size = dmx_tensor_count(t) * 4;
        snprintf(line, sizeof line,
                 ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%lld],"
                 "\"data_offsets\":[%zu,%zu]}",
                 t->name, (long long)t->dim[0], at, at + size);
        bytes_text(&header, line);
        at += size;
        n++;
    }
    bytes_text(&header, "}");
    bytes_number(b, header.size, 8);
    bytes_put(b, header.data, header.size);
    for (size_t i = 0; i < at; i++)
        bytes_number(b, i, 1);
    bytes_free(&header);
    free(kwargs);
    free(text);
    dmx_json_free(quoted);
}

/* One of every kind of value and construction, and of every wrapper. */
static const struct {
    const char *text;
    size_t size;
} extra[] = {
#define EXTRA(text)                                                            \
    {                                                                          \
        text, sizeof(text) - 1                                                 \
    }
    EXTRA("\x80\x05\x95\x20\0\0\0\0\0\0\0}\x94(\x8c\x01"
          "a\x94\x8c\x02os\x8c\x06system\x93)\x81}b\x8c\x01"
          "bh\x00j\0\0\0\0\x8d\x01\0\0\0\0\0\0\0c\x8e\0\0\0\0\0\0\0\0u."),
    EXTRA("\x80\x02(I01\nI5\nL7L\nF1.5\nS'x\\n'\nV\\u00e9\nNNp1\ng1\n"
          "2(0000dl."),
    EXTRA("\x80\x04(\x8f(K\x01\x90(K\x02\x91\x96\0\0\0\0\0\0\0\0B\0\0\0\0"
          "C\0T\0\0\0\0U\0X\0\0\0\0M\1\1J\1\1\1\1G\0\0\0\0\0\0\0\0"
          "\x8a\1\1\x8b\1\0\0\0\1\x88\x89t."),
    EXTRA("\x80\x02}(U\x0a"
          "best_state}U\x09module.wd(io\nccx\ny\n(oc1\n2\n)}\x92q\1r\2\0\0\0"
          "1u."),
    EXTRA("\x80\x02"
          "ccollections\ndefaultdict\nN}NNs\x86R."),
    EXTRA("\x80\x02"
          "ctorch\nSize\n)\x85R."),
    EXTRA("\x80\x02"
          "cfractions\nFraction\nU\x04"
          "39/5\x85R."),
};

static void make_containers(size_t number, const bytes *pickle,
                            const bytes *storage, const size_t *count, size_t n)
{
    bytes file = {0};
    save("pickle", number, pickle);
    make_zip(&file, pickle, storage, n);
    save("zip", number, &file);
    bytes_free(&file);
    make_legacy(&file, pickle, storage, count, n);
    save("legacy", number, &file);
    bytes_free(&file);
}

static void make_all(size_t number, const dmx_checkpoint *c)
{
    bytes pickle = {0}, file = {0}, storage[WEIGHTS] = {0};
    size_t count[WEIGHTS];
    const size_t n = take_storages(storage, count, c);
    make_pickle(&pickle, c);
    make_containers(number, &pickle, storage, count, n);
    make_safetensors(&file, c);
    save("safetensors", number, &file);
    for (size_t i = 0; i < n; i++)
        bytes_free(&storage[i]);
    bytes_free(&file);
    bytes_free(&pickle);
}

static void make_quantized(int kind)
{
    quantized_seed s;
    bytes file = {0};
    const size_t number = 800 + (size_t)kind;
    quantized_seed_open(&s, kind);
    make_containers(number, &s.pickle, s.storage, s.count, s.storages);
    quantized_safetensors(&file, kind);
    save("safetensors", number, &file);
    bytes_free(&file);
    quantized_seed_close(&s);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    out = argv[1];
    for (int i = 2; i < argc; i++) {
        dmx_checkpoint *c;
        dmx_error err = DMX_ERROR_INIT;
        if (dmx_checkpoint_open(&c, argv[i], NULL, &err) != DMX_OK) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        make_all((size_t)i, c);
        dmx_checkpoint_close(c);
    }
    for (int kind = 0; kind < QUANTIZED_KINDS; kind++)
        make_quantized(kind);
    for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++) {
        const bytes b = {(unsigned char *)(uintptr_t)extra[i].text,
                         extra[i].size, 0};
        save("pickle", 900 + i, &b);
    }
    return 0;
}
