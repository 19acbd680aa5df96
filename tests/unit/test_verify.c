/* Model files that are broken, hostile or merely unusual, and .npy files. */
#include "runtime/runtime.h"
#include "test_support.h"
#include "tiny_model.h"
#include "verify/model_file.h"
#include "verify/npy.h"
#include "verify/promises.h"
#include "verify/sketch.h"
#include "verify/metrics.h"
#include "runtime/onnx_file.h"
#include "runtime/wire_scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *write_file(const char *name, const void *bytes, size_t size)
{
    static char path[1100];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
    return path;
}

static const char *write_tiny(tiny_model *tiny)
{
    size_t size;
    unsigned char *bytes = tiny_model_pack(tiny, &size);
    const char *path = write_file("tiny.onnx", bytes, size);
    free(bytes);
    return path;
}

/* Metadata of a plain file. */
static const dmx_gate gate = {1e-5, -INFINITY};

/* --------------------------------------------------------------- promises */

/* Findings of a tiny model, as one text. */
static void findings(tiny_model *tiny, char *text, size_t size, bool *failed)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_model_file file;
    dmx_report *report;
    dmx_contract contract;
    assert_ok(
        dmx_model_file_open(&file, write_tiny(tiny), "tiny.onnx", NULL, &err),
        &err);
    assert_ok(dmx_report_open(&report, &file, gate, &err), &err);
    assert_ok(dmx_promises_check(report, &contract, &file, &err), &err);
    text[0] = '\0';
    const char *line;
    for (size_t i = 0; (line = dmx_report_finding(report, i)) != NULL; i++)
        snprintf(text + strlen(text), size - strlen(text), "%s\n", line);
    *failed = report->failed;
    dmx_report_close(report);
    dmx_model_file_close(&file);
}

static void assert_finding(tiny_model *tiny, bool error, const char *words)
{
    char text[4096];
    bool failed;
    findings(tiny, text, sizeof text, &failed);
    if (failed != error || strstr(text, words) == NULL)
        fail_msg("expected %s '%s' in:\n%s", error ? "an error" : "no error",
                 words, text);
}

/* Every change below is undone before the next. */
static void broken_promises_are_found(void **state)
{
    (void)state;
    tiny_model *tiny = tiny_model_open(64, 2);
    Onnx__ModelProto *m = tiny_model_proto(tiny);
    Onnx__GraphProto *g = m->graph;
    assert_finding(tiny, false, "note: metadata 'sources' is missing");

    Onnx__TensorProto *gain = g->initializer[1];
    const float fine = 0.5f, infinite = INFINITY, nan = NAN;
    memcpy(gain->raw_data.data, &infinite, sizeof infinite);
    assert_finding(tiny, true, "'gain' holds infinities");
    memcpy(gain->raw_data.data, &nan, sizeof nan);
    assert_finding(tiny, true, "'gain' holds infinities");
    memcpy(gain->raw_data.data, &fine, sizeof fine);
    gain->raw_data.len -= 1;
    assert_finding(tiny, true, "'gain' has 7 bytes");
    gain->raw_data.len += 1;
    gain->dims[0] = -3;
    assert_finding(tiny, true, "'gain' has 8 bytes");
    gain->dims[0] = 1;

    g->node[2]->op_type = "ScatterND";
    assert_finding(tiny, false, "note: 1 nodes are ScatterND");
    m->producer_name = "demucs-onnx";
    assert_finding(tiny, true, "error: 1 nodes are ScatterND");
    m->producer_name = (char *)protobuf_c_empty_string;
    g->node[2]->op_type = "Abs";

    g->output[0]->type->tensor_type->shape->dim[3]->dim_value = 65;
    assert_finding(tiny, true, "do not fit together");
    g->output[0]->type->tensor_type->shape->n_dim = 3;
    assert_finding(tiny, true,
                   "not float32 (batch, sources, channels, samples)");
    g->output[0]->type->tensor_type->shape->n_dim = 4;
    g->output[0]->type->tensor_type->shape->dim[3]->dim_value = 64;
    g->n_output = 0;
    assert_finding(tiny, true, "1 inputs and 0 outputs");
    g->n_output = 1;

    Onnx__StringStringEntryProto entry, *entries[] = {&entry};
    onnx__string_string_entry_proto__init(&entry);
    entry.key = "sources";
    entry.value = "[\"a\", \"b\", \"c\"]";
    m->n_metadata_props = 1;
    m->metadata_props = entries;
    assert_finding(tiny, true, "metadata names 3 sources, the output has 2");
    m->n_metadata_props = 0;
    tiny_model_close(tiny);
}

/* What our files say of themselves must be true of their shapes; other
 * programs' words for it are not ours to judge. */
static void untrue_metadata_is_found(void **state)
{
    static const struct {
        const char *key, *value, *words;
    } row[] = {
        {"samples", "65", "'samples' is '65', but the dimension is 64"},
        {"samples", "64x", "'samples' is '64x', but that is no whole number"},
        {"audio_channels", "7", "'7', but the dimension is"},
        {"batch", "3", "'3', but the dimension is 1"},
        {"samplerate", "0", "no rate"},
        {"samplerate", "-44100", "no whole number"},
        {"samplerate", "1e400", "no whole number"},
        {"segment", "1/0", "no duration"},
        {"segment", "-1/2", "no duration"},
        {"segment", "", "no duration"},
        {"dynamic", "samples", "no dimension is free"},
        {"pads_to_segment", "maybe", "no such value"},
        {"precision", "fp8", "no such value"},
        {"shortest_samples", "0", "no input is shorter"},
        {"longest_samples", "0", "less than 'shortest_samples'"},
    };
    (void)state;
    tiny_model *tiny = tiny_model_open(64, 2);
    Onnx__ModelProto *m = tiny_model_proto(tiny);
    Onnx__StringStringEntryProto entry, *entries[] = {&entry};
    onnx__string_string_entry_proto__init(&entry);
    m->n_metadata_props = 1;
    m->metadata_props = entries;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        entry.key = (char *)row[i].key;
        entry.value = (char *)row[i].value;
        m->producer_name = "demucs-onnx";
        assert_finding(tiny, true, row[i].words);
        m->producer_name = (char *)protobuf_c_empty_string;
        assert_finding(tiny, false, "");
    }
    m->n_metadata_props = 0;
    tiny_model_close(tiny);
}

/* ---------------------------------------------------------- hostile bytes */

static void external_data_is_refused(void **state)
{
    (void)state;
    tiny_model *tiny = tiny_model_open(64, 0);
    Onnx__TensorProto *gain = tiny_model_proto(tiny)->graph->initializer[1];
    Onnx__StringStringEntryProto entry, *entries[] = {&entry};
    onnx__string_string_entry_proto__init(&entry);
    entry.key = "location";
    entry.value = "/etc/passwd";
    gain->n_external_data = 1;
    gain->external_data = entries;
    dmx_error err = DMX_ERROR_INIT;
    dmx_model_file file;
    assert_int_equal(
        dmx_model_file_open(&file, write_tiny(tiny), "x", NULL, &err),
        DMX_ERROR_UNSUPPORTED);
    gain->n_external_data = 0;
    gain->has_data_location = 1;
    gain->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    assert_int_equal(
        dmx_model_file_open(&file, write_tiny(tiny), "x", NULL, &err),
        DMX_ERROR_UNSUPPORTED);
    tiny_model_close(tiny);
}

/* Puts a field key and the length of all that follows in front. */
static size_t wrap(unsigned char *bytes, size_t start, size_t end, int key)
{
    unsigned char varint[8];
    size_t n = 0, length = end - start;
    do {
        varint[n++] =
            (unsigned char)((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
        length >>= 7;
    } while (length > 0);
    memcpy(bytes + start - n, varint, n);
    bytes[start - n - 1] = (unsigned char)key;
    return start - n - 1;
}

/* A graph in an attribute of a node of a graph, and so on. */
static dmx_status scan_nested(size_t graphs)
{
    static unsigned char bytes[1 << 20];
    const size_t end = sizeof bytes;
    size_t start = end;
    for (size_t i = 1; i < graphs; i++) {
        start = wrap(bytes, start, end, 0x32); /* attribute: g */
        start = wrap(bytes, start, end, 0x2a); /* node: attribute */
        start = wrap(bytes, start, end, 0x0a); /* graph: node */
    }
    start = wrap(bytes, start, end, 0x3a); /* model: graph */
    dmx_error err = DMX_ERROR_INIT;
    return dmx_wire_scan(bytes + start, end - start, NULL, &err);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    assert_int_equal(scan_nested(1), DMX_OK);
    assert_int_equal(scan_nested(11), DMX_OK);
    assert_int_equal(scan_nested(12), DMX_ERROR_LIMIT);
    assert_int_equal(scan_nested(50000), DMX_ERROR_LIMIT);
}

static void floods_are_refused(void **state)
{
    (void)state;
    /* A graph of five million empty nodes in ten megabytes. */
    const size_t count = 5000000, size = 2 * count + 5;
    unsigned char *bytes = malloc(size);
    assert_non_null(bytes);
    bytes[0] = 0x3a;
    uint64_t length = 2 * count;
    for (int i = 1; i < 5; i++, length >>= 7)
        bytes[i] = (unsigned char)((length & 0x7f) | (i < 4 ? 0x80 : 0));
    for (size_t i = 5; i < size; i += 2) {
        bytes[i] = 0x0a;
        bytes[i + 1] = 0;
    }
    dmx_error err = DMX_ERROR_INIT;
    dmx_model_file file;
    assert_int_equal(dmx_model_file_open(&file,
                                         write_file("f.onnx", bytes, size), "f",
                                         NULL, &err),
                     DMX_ERROR_LIMIT);
    free(bytes);
}

/* -------------------------------------------------------------- wire forms */

/* The status of a model whose one initializer holds these bytes. */
static dmx_status scan_tensor(const char *tensor, size_t size)
{
    unsigned char bytes[256];
    const size_t end = sizeof bytes;
    memcpy(bytes + end - size, tensor, size);
    size_t start = wrap(bytes, end - size, end, 0x2a); /* graph: initializer */
    start = wrap(bytes, start, end, 0x3a);             /* model: graph */
    dmx_error err = DMX_ERROR_INIT;
    return dmx_wire_scan(bytes + start, end - start, NULL, &err);
}

#define BYTES(text) text, sizeof(text) - 1

static void only_canonical_forms_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t size;
        dmx_status status;
    } cases[] = {
        {"nothing", BYTES(""), DMX_OK},
        {"dims: 3, 3", BYTES("\x08\x03\x08\x03"), DMX_OK},
        {"dims packed", BYTES("\x0a\x02\x03\x03"), DMX_OK},
        {"external_data", BYTES("\x6a\x00"), DMX_ERROR_UNSUPPORTED},
        {"its tag plus 2^32", BYTES("\xea\x80\x80\x80\x10\x00"),
         DMX_ERROR_FORMAT},
        {"its tag in two bytes", BYTES("\xea\x00\x00"), DMX_ERROR_FORMAT},
        {"as a number", BYTES("\x68\x00"), DMX_ERROR_FORMAT},
        {"as a group", BYTES("\x6b\x6c"), DMX_ERROR_FORMAT},
        {"data_location: default", BYTES("\x70\x00"), DMX_OK},
        {"data_location: external", BYTES("\x70\x01"), DMX_ERROR_UNSUPPORTED},
        {"external plus 2^32", BYTES("\x70\x81\x80\x80\x80\x10"),
         DMX_ERROR_FORMAT},
        {"external in two bytes", BYTES("\x70\x81\x00"), DMX_ERROR_FORMAT},
        {"external in a string", BYTES("\x72\x01\x01"), DMX_ERROR_FORMAT},
        {"a type twice", BYTES("\x10\x01\x10\x01"), DMX_ERROR_FORMAT},
        {"type -1", BYTES("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
         DMX_OK},
        {"a dim beyond 64 bits",
         BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
         DMX_ERROR_FORMAT},
        {"a type as a float", BYTES("\x15\0\0\0\0"), DMX_ERROR_FORMAT},
        {"a zero in a name",
         BYTES("\x42\x03"
               "a\0b"),
         DMX_ERROR_FORMAT},
        {"packed int64_data", BYTES("\x3a\x03\x01\x80\x01"), DMX_OK},
        {"packed, too long", BYTES("\x3a\x02\x81\x00"), DMX_ERROR_FORMAT},
        {"packed, cut off", BYTES("\x3a\x01\x80"), DMX_ERROR_FORMAT},
        {"packed int32 beyond range", BYTES("\x2a\x05\x80\x80\x80\x80\x10"),
         DMX_ERROR_FORMAT},
        {"floats of three bytes", BYTES("\x22\x03\0\0\0"), DMX_ERROR_FORMAT},
        {"an unknown field", BYTES("\x88\x01\x05"), DMX_OK},
        {"field number 0", BYTES("\x02\x00"), DMX_ERROR_FORMAT},
        {"longer than the file", BYTES("\x4a\x05\x00"), DMX_ERROR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (scan_tensor(cases[i].bytes, cases[i].size) != cases[i].status)
            fail_msg("%s: not %s", cases[i].name,
                     dmx_status_name(cases[i].status));
}

/* `count` copies of the item, after `head`, nested in the messages of `keys`,
 * the innermost first. */
static dmx_status scan_many(const char *item, size_t item_size, size_t count,
                            const char *keys, const dmx_hooks *hooks)
{
    const size_t end = item_size * count + 64;
    unsigned char *bytes = malloc(end);
    assert_non_null(bytes);
    size_t start = 64;
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + start + i * item_size, item, item_size);
    for (; *keys != '\0'; keys++)
        start = wrap(bytes, start, end, *keys);
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status =
        dmx_wire_scan(bytes + start, end - start, hooks, &err);
    free(bytes);
    return status;
}

static int stop(void *user, const char *stage, double fraction)
{
    (void)stage;
    (void)fraction;
    return ++*(int *)user > 2;
}

static void counts_are_bounded(void **state)
{
    (void)state;
    int asked = 0;
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = &asked, .progress = stop};
    /* unknown fields of two bytes in an entry of the metadata */
    assert_int_equal(scan_many(BYTES("\x78\x01"), 100, "\x72", NULL), DMX_OK);
    assert_int_equal(scan_many(BYTES("\x78\x01"), 10000000, "\x72", NULL),
                     DMX_ERROR_LIMIT);
    assert_int_equal(scan_many(BYTES("\x78\x01"), 500000, "\x72", &hooks),
                     DMX_ERROR_CANCELLED);
    /* bytes that a newer parser may know as such */
    assert_int_equal(scan_many(BYTES("0123456789"), 1000000, "\x62\x72", NULL),
                     DMX_ERROR_LIMIT);
    /* numbers of a packed list */
    assert_int_equal(scan_many(BYTES("\x01"), 1 << 20, "\x3a\x2a\x3a", NULL),
                     DMX_OK);
    assert_int_equal(scan_many(BYTES("\x01"), 64 << 20, "\x3a\x2a\x3a", NULL),
                     DMX_ERROR_LIMIT);
    /* initializers, a node's inputs, metadata, nodes */
    assert_int_equal(scan_many(BYTES("\x2a\x00"), 8192, "\x3a", NULL), DMX_OK);
    assert_int_equal(scan_many(BYTES("\x2a\x00"), 8193, "\x3a", NULL),
                     DMX_ERROR_LIMIT);
    assert_int_equal(scan_many(BYTES("\x0a\x00"), 8193, "\x0a\x3a", NULL),
                     DMX_ERROR_LIMIT);
    assert_int_equal(scan_many(BYTES("\x72\x00"), 8193, "", NULL),
                     DMX_ERROR_LIMIT);
    assert_int_equal(scan_many(BYTES("\x0a\x00"), 20000, "\x3a", NULL), DMX_OK);
    assert_int_equal(scan_many(BYTES("\x0a\x00"), 20001, "\x3a", NULL),
                     DMX_ERROR_LIMIT);
    /* local functions */
    assert_int_equal(scan_many(BYTES("\xca\x01\x00"), 1, "", NULL),
                     DMX_ERROR_UNSUPPORTED);
}

static void mistaken_files_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *words;
    } cases[] = {
        {BYTES(""), "empty"},
        {BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:0"),
         "git lfs pull"},
        {BYTES("<!DOCTYPE html>"), "web page"},
        {BYTES("\x1f\x8b\x08\0\0"), "gunzip"},
        {BYTES("PK\3\4\024\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\6\0"
               "\0\0x.onnx"),
         "a zip around x.onnx: unzip it first"},
        {BYTES("PK\3\4\024\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\12\0"
               "\0\0a/data.pkl"),
         "a PyTorch checkpoint"},
        {BYTES("PK\3\4\024\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff"
               "\0\0x"),
         "a zip around other files"},
        {BYTES("PK\3\4"), "malformed"},
        {BYTES("\x93NUMPY"), "a NumPy array"},
        {BYTES("no model at all"), "not an ONNX model"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dmx_blob bytes;
        dmx_error err = DMX_ERROR_INIT;
        const char *path = write_file("m.onnx", cases[i].bytes, cases[i].size);
        assert_int_equal(dmx_onnx_file_read(&bytes, path, "m.onnx", NULL, &err),
                         DMX_ERROR_FORMAT);
        if (strstr(err.message, cases[i].words) == NULL ||
            strncmp(err.message, "m.onnx: ", 8) != 0)
            fail_msg("'%s' instead of '%s'", err.message, cases[i].words);
    }
}

/* Every prefix and many single-byte changes give an error or a model, never a
 * crash. */
static void damage_is_survived(void **state)
{
    (void)state;
    tiny_model *tiny = tiny_model_open(64, 3);
    size_t size;
    unsigned char *bytes = tiny_model_pack(tiny, &size);
    unsigned char *copy = malloc(size);
    assert_non_null(copy);
    uint64_t random = 7;
    for (size_t i = 0; i < 4 * size; i++) {
        dmx_error err = DMX_ERROR_INIT;
        dmx_model_file file;
        memcpy(copy, bytes, size);
        const size_t length = i < size ? i : size;
        if (i >= size)
            copy[i % size] ^= (unsigned char)(test_random(&random) | 1);
        if (dmx_wire_scan(copy, length, NULL, &err) != DMX_OK)
            continue;
        const char *path = write_file("d.onnx", copy, length);
        err = (dmx_error)DMX_ERROR_INIT;
        if (dmx_model_file_open(&file, path, "d", NULL, &err) != DMX_OK)
            continue;
        dmx_report *report;
        dmx_contract contract;
        assert_ok(dmx_report_open(&report, &file, gate, &err), &err);
        assert_ok(dmx_promises_check(report, &contract, &file, &err), &err);
        dmx_report_close(report);
        dmx_model_file_close(&file);
        char *json;
        if (dmx_onnx_json(&json, path, 1, &err) == DMX_OK)
            dmx_free(json);
    }
    free(copy);
    free(bytes);
    tiny_model_close(tiny);
}

/* -------------------------------------------------------------------- npy */

static dmx_status open_npy(const char *header, const void *data, size_t size,
                           dmx_npy *npy)
{
    unsigned char bytes[512] = "\x93NUMPY\x01\x00";
    /* Padded with blanks, as NumPy does. */
    const size_t text = strlen(header), length = (text + 2 + 3) / 4 * 4 - 2;
    memset(bytes + 10, ' ', length);
    bytes[8] = (unsigned char)length;
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + 10, header, text);
    memcpy(bytes + 10 + length, data, size);
    dmx_error err = DMX_ERROR_INIT;
    return dmx_npy_open(npy, write_file("x.npy", bytes, 10 + length + size),
                        &err);
}

#define HEAD "{'descr': '<f4', 'fortran_order': False, 'shape': "

static void npy_files_are_read_with_care(void **state)
{
    (void)state;
    static const float data[2] = {1, 2};
    dmx_npy npy;
    assert_int_equal(
        open_npy(HEAD "(1, 2), }        \n", data, sizeof data, &npy), DMX_OK);
    assert_int_equal(npy.rank, 2);
    assert_true(npy.data[1] == 2);
    dmx_npy_close(&npy);
    static const struct {
        const char *header;
        dmx_status status;
    } bad[] = {
        {HEAD "(1, 3), }        \n", DMX_ERROR_FORMAT},
        {HEAD "(-1, 2), }       \n", DMX_ERROR_FORMAT},
        {HEAD "(4611686018427387904, 8), }\n", DMX_ERROR_FORMAT},
        {HEAD "(1, 2            \n", DMX_ERROR_FORMAT},
        {HEAD "(1,1,1,1,1,1,1,1,1,2)}\n", DMX_ERROR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2)}  \n",
         DMX_ERROR_UNSUPPORTED},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2)}   \n",
         DMX_ERROR_UNSUPPORTED},
        {"{}", DMX_ERROR_FORMAT},
        {"", DMX_ERROR_FORMAT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(open_npy(bad[i].header, data, sizeof data, &npy),
                         bad[i].status);
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(dmx_npy_open(&npy, write_file("y.npy", "no", 2), &err),
                     DMX_ERROR_FORMAT);
}

/* ---------------------------------------------------------------- numbers */

static void differences_are_measured(void **state)
{
    (void)state;
    const double reference[6] = {0, 1, -2, 0.5, 0, 0};
    float value[6] = {0, 1, -2, 0.5f, 0, 0};
    dmx_parity p = {.signal = "s"};
    dmx_compare(&p, reference, value, 2, 3, 3, gate);
    assert_true(p.passed && isinf(p.snr) && p.peak == 2);
    value[4] = 0.002f;
    dmx_compare(&p, reference, value, 2, 3, 3, gate);
    assert_true(!p.passed && p.channel == 1 && p.sample == 1);
    assert_true(fabs(p.relative - 0.001) < 1e-8);
    assert_true(fabs(p.snr - 10 * log10(5.25 / 4e-6)) < 1e-3);
    value[4] = NAN;
    dmx_compare(&p, reference, value, 2, 3, 3, gate);
    assert_true(!p.passed && isinf(p.max_difference));
    const double silence[3] = {0};
    const float almost[3] = {1e-7f, 0, 0};
    dmx_compare(&p, silence, almost, 1, 3, 3, gate);
    assert_true(p.passed);
}

static void sketches_forgive_order_and_factor(void **state)
{
    (void)state;
    enum { N = 3000 };
    static double a[N];
    static float same[N], turned[N], other[N];
    uint64_t random = 5;
    for (int i = 0; i < N; i++) {
        a[i] = test_normal(&random);
        same[i] = (float)(3 * a[i]);
        other[i] = (float)test_normal(&random);
    }
    for (int i = 0; i < N; i++)
        turned[i % 50 * 60 + i / 50] = (float)a[i];
    dmx_sketch sa, sb;
    dmx_sketch_f64(&sa, a, N);
    dmx_sketch_f32(&sb, same, N);
    assert_true(dmx_sketch_distance(&sa, &sb) < 1e-5);
    dmx_sketch_f32(&sb, turned, N);
    assert_true(dmx_sketch_distance(&sa, &sb) < 1e-5);
    dmx_sketch_f32(&sb, other, N);
    assert_true(dmx_sketch_distance(&sa, &sb) > 1e-3);
    dmx_sketch_f32(&sb, same, N / 2);
    assert_true(isinf(dmx_sketch_distance(&sa, &sb)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_promises_are_found),
        cmocka_unit_test(untrue_metadata_is_found),
        cmocka_unit_test(external_data_is_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(floods_are_refused),
        cmocka_unit_test(only_canonical_forms_are_read),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(mistaken_files_are_named),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(npy_files_are_read_with_care),
        cmocka_unit_test(differences_are_measured),
        cmocka_unit_test(sketches_forgive_order_and_factor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
