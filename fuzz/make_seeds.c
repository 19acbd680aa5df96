/* make_seeds OUT CHECKPOINT...: small files of every container out of real
 * checkpoints: the class and the arguments, the first weights. OUT/pickle,
 * OUT/zip, OUT/legacy and OUT/safetensors must exist. */
#include "checkpoint_case.h"

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

static void make_zip(bytes *b, const dmx_checkpoint *c, const bytes *pickle)
{
    zip_writer z = {0};
    char name[] = "model/data/0";
    zip_add(&z, "model/data.pkl", pickle->data, pickle->size);
    zip_add(&z, "model/byteorder", "little", 6);
    for (size_t i = 0; i < c->n_tensor; i++) {
        const dmx_tensor *t = &c->tensor[i];
        if (!small(t) || name[sizeof name - 2] >= '0' + WEIGHTS)
            continue;
        zip_add(&z, name, t->data,
                dmx_tensor_count(t) * dmx_dtype_size(t->dtype));
        name[sizeof name - 2]++;
    }
    zip_end(&z);
    bytes_put(b, z.file.data, z.file.size);
    zip_free(&z);
}

static void make_legacy(bytes *b, const dmx_checkpoint *c, const bytes *pickle)
{
    size_t count = 0;
    bytes_literal(b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                     "\x80\x02M\xe9\x03.\x80\x02}U\x0dlittle_endian\x88s.");
    bytes_put(b, pickle->data, pickle->size);
    bytes_literal(b, "\x80\x02](U\x01"
                     "0U\x01"
                     "1U\x01"
                     "2e.");
    for (size_t i = 0; i < c->n_tensor && count < WEIGHTS; i++) {
        const dmx_tensor *t = &c->tensor[i];
        if (!small(t))
            continue;
        bytes_number(b, dmx_tensor_count(t), 8);
        bytes_put(b, t->data, dmx_tensor_count(t) * dmx_dtype_size(t->dtype));
        count++;
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

static void make_all(size_t number, const dmx_checkpoint *c)
{
    bytes pickle = {0}, file = {0};
    make_pickle(&pickle, c);
    save("pickle", number, &pickle);
    make_zip(&file, c, &pickle);
    save("zip", number, &file);
    bytes_free(&file);
    make_legacy(&file, c, &pickle);
    save("legacy", number, &file);
    bytes_free(&file);
    make_safetensors(&file, c);
    save("safetensors", number, &file);
    bytes_free(&file);
    bytes_free(&pickle);
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
    for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++) {
        const bytes b = {(unsigned char *)(uintptr_t)extra[i].text,
                         extra[i].size, 0};
        save("pickle", 900 + i, &b);
    }
    return 0;
}
