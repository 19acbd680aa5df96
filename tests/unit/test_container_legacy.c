/* The container before torch 1.6: five pickles, then the storages. */
#include "checkpoint_case.h"
#include "test_support.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC    "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define PROTOCOL "\x80\x02M\xe9\x03."
#define SYSTEM   "\x80\x02}(U\x0dlittle_endian\x88U\x04typeK\x01u."

typedef struct parts {
    const char *system, *protocol;
    const char *type;
    int64_t count, offset; /* as the pickle tells them */
    const char *view;      /* NULL: the five-part persistent id */
    const char *keys;      /* pickle of the list */
    uint64_t stored;       /* element count in front of the numbers */
    size_t bytes;          /* of numbers that follow */
} parts;

static const parts good = {
    SYSTEM, PROTOCOL, "FloatStorage", 4, 0, "N", "\x80\x02]U\x03keya.", 4, 16};

/* system pickles hold no zero bytes, so that strings do. */
static void make(bytes *b, const parts *p)
{
    bytes_literal(b, MAGIC);
    bytes_text(b, p->protocol);
    bytes_text(b, p->system);
    bytes_literal(b, "\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n((");
    bytes_text(b, "U\x07storagectorch\n");
    bytes_text(b, p->type);
    bytes_text(b, "\nU\x03keyU\x03"
                  "cpu");
    pickle_int(b, p->count);
    if (p->view != NULL)
        bytes_text(b, p->view);
    bytes_text(b, "tQ");
    pickle_int(b, p->offset);
    bytes_text(b, "K\x02\x85K\x01\x85\x89}tRs.");
    bytes_text(b, p->keys);
    bytes_number(b, p->stored, 8);
    for (size_t i = 0; i < p->bytes / 4; i++) {
        const float x = (float)i;
        bytes_put(b, &x, sizeof x);
    }
}

static void assert_legacy(const parts *p, dmx_status code, const char *part)
{
    bytes b = {0};
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    make(&b, p);
    const dmx_status status = open_bytes(&c, b.data, b.size, NULL, &err);
    if (status != code || strstr(err.message, part) == NULL)
        fail_msg("wanted %s (%s), got %s: %s", dmx_status_name(code), part,
                 dmx_status_name(status), err.message);
    dmx_checkpoint_close(c);
    bytes_free(&b);
}

static float first_of(const parts *p)
{
    bytes b = {0};
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    float x[2];
    make(&b, p);
    assert_ok(open_bytes(&c, b.data, b.size, NULL, &err), &err);
    assert_int_equal(c->container, DMX_CONTAINER_LEGACY);
    dmx_tensor_to_f32(x, &c->tensor[0]);
    assert_true(x[1] == x[0] + 1);
    dmx_checkpoint_close(c);
    bytes_free(&b);
    return x[0];
}

static void test_good(void **state)
{
    (void)state;
    parts p = good;
    assert_true(first_of(&p) == 0);
    p.offset = 2;
    assert_true(first_of(&p) == 2);
    p.view = NULL;
    assert_true(first_of(&p) == 2);
    p = good;
    p.view = "U\x01vK\x01K\x02\x87"; /* elements 1 and 2 */
    assert_true(first_of(&p) == 1);
}

static void test_wrong(void **state)
{
    (void)state;
    parts p = good;
    p.offset = 3;
    assert_legacy(&p, DMX_ERROR_FORMAT, "outside its storage");
    p = good;
    p.view = "U\x01vK\x01K\x01\x87";
    assert_legacy(&p, DMX_ERROR_FORMAT, "outside its storage");
    p.view = "U\x01vK\x05K\x01\x87";
    assert_legacy(&p, DMX_ERROR_FORMAT, "impossible size");
    p.view = "U\x01v\x85";
    assert_legacy(&p, DMX_ERROR_FORMAT, "impossible size");
    p = good;
    p.protocol = "\x80\x02M\xe8\x03.";
    assert_legacy(&p, DMX_ERROR_UNSUPPORTED, "protocol other than");
    p = good;
    p.system = "\x80\x02}U\x0dlittle_endian\x89s.";
    assert_legacy(&p, DMX_ERROR_UNSUPPORTED, "big-endian");
    p = good;
    p.keys = "\x80\x02N.";
    assert_legacy(&p, DMX_ERROR_FORMAT, "list of storages is None");
    p.keys = "\x80\x02].";
    assert_legacy(&p, DMX_ERROR_FORMAT, "missing");
    p.keys = "\x80\x02]U\x03kexa.";
    assert_legacy(&p, DMX_ERROR_FORMAT, "names kex");
    p.keys = "\x80\x02]Na.";
    assert_legacy(&p, DMX_ERROR_FORMAT, "names None");
    p.keys = "\x80\x02](U\x03keyU\x03keye.";
    assert_legacy(&p, DMX_ERROR_FORMAT, "names key");
    p = good;
    p.type = "StrangeStorage";
    assert_legacy(&p, DMX_ERROR_FORMAT, "unknown type");
    p = good;
    p.stored = 5;
    assert_legacy(&p, DMX_ERROR_FORMAT, "not complete");
    p.stored = 4;
    p.bytes = 12;
    assert_legacy(&p, DMX_ERROR_FORMAT, "not complete");
    p = good;
    p.count = INT64_MAX;
    p.stored = INT64_MAX;
    assert_legacy(&p, DMX_ERROR_FORMAT, "not complete");
}

/* Two persistent ids of one key that disagree. */
static void test_two_sizes(void **state)
{
    (void)state;
    bytes b = {0};
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    bytes_literal(&b, MAGIC PROTOCOL SYSTEM "\x80\x02](");
    for (int64_t count = 1; count <= 2; count++) {
        bytes_text(&b, "(U\x07storagectorch\nHalfStorage\nU\x01k)");
        pickle_int(&b, count);
        bytes_text(&b, "tQ");
    }
    bytes_literal(&b, "e.\x80\x02].");
    assert_int_equal(open_bytes(&c, b.data, b.size, NULL, &err),
                     DMX_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "two sizes"));
    bytes_free(&b);
}

static void test_truncated(void **state)
{
    (void)state;
    bytes b = {0};
    make(&b, &good);
    for (size_t size = 0; size < b.size; size++) {
        dmx_checkpoint *c;
        dmx_error err = DMX_ERROR_INIT;
        assert_int_equal(open_bytes(&c, b.data, size, NULL, &err),
                         DMX_ERROR_FORMAT);
        assert_null(c);
    }
    bytes_free(&b);
}

static void test_framed(void **state)
{
    (void)state;
    bytes b = {0}, framed = {0};
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    make(&b, &good);
    bytes_literal(&framed, "\x80\x04\x95\x0d\0\0\0\0\0\0\0");
    bytes_put(&framed, b.data + 2, b.size - 2);
    assert_ok(open_bytes(&c, framed.data, framed.size, NULL, &err), &err);
    dmx_checkpoint_close(c);
    bytes_free(&framed);
    bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_two_sizes), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_framed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
