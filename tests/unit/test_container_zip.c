/* The zip reader: every inconsistency that a zip file can contain, and
 * zip64. */
#include "checkpoint_case.h"
#include "test_support.h"

#include <stdlib.h>
#include <string.h>

enum { LOCAL = 30, CENTRAL = 46, END = 22 };

typedef struct sample {
    bytes b;
    size_t directory, end; /* offsets of the central directory, end record */
} sample;

/* Two entries, "m/data.pkl" and "m/b", five bytes each. */
static sample make(void)
{
    zip_writer z = {0};
    zip_add(&z, "m/data.pkl", "hello", 5);
    zip_add(&z, "m/b", "world", 5);
    sample s = {.directory = z.file.size};
    zip_end(&z);
    s.b = z.file;
    s.end = s.b.size - END;
    bytes_free(&z.directory);
    return s;
}

static void set(sample *s, size_t at, uint64_t value, int width)
{
    for (int i = 0; i < width; i++, value >>= 8)
        s->b.data[at + (size_t)i] = (unsigned char)value;
}

/* Opens, and uses and checks every entry. */
static dmx_status try_open(const sample *s, dmx_error *err)
{
    dmx_zip zip;
    unsigned char *copy = malloc(s->b.size + 1);
    assert_non_null(copy);
    memcpy(copy, s->b.data, s->b.size);
    const dmx_image image = {.data = copy, .size = s->b.size};
    dmx_status status = dmx_zip_open(&zip, &image, err);
    for (size_t i = 0; status == DMX_OK && i < zip.n_entry; i++) {
        status = dmx_zip_use(&zip.entry[i], err);
        if (status == DMX_OK)
            status = dmx_zip_check(&zip, &zip.entry[i], err);
    }
    dmx_zip_close(&zip);
    free(copy);
    return status;
}

static void assert_code(sample *s, dmx_status code, int64_t offset,
                        const char *part)
{
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status = try_open(s, &err);
    if (status != code || (offset >= 0 && err.offset != offset) ||
        strstr(err.message, part) == NULL)
        fail_msg("wanted %s at %lld (%s), got %s at %lld: %s",
                 dmx_status_name(code), (long long)offset, part,
                 dmx_status_name(status), (long long)err.offset, err.message);
    bytes_free(&s->b);
}

static void test_good(void **state)
{
    (void)state;
    sample s = make();
    dmx_zip zip;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_image image = {.data = s.b.data, .size = s.b.size};
    assert_ok(dmx_zip_open(&zip, &image, &err), &err);
    assert_int_equal(zip.n_entry, 2);
    const dmx_zip_entry *e = dmx_zip_find(&zip, "m/b", 3);
    assert_non_null(e);
    assert_memory_equal(s.b.data + e->offset, "world", 5);
    assert_null(dmx_zip_find(&zip, "m/", 2));
    assert_null(dmx_zip_find(&zip, "m/bb", 4));
    dmx_zip_close(&zip);
    assert_null(dmx_zip_find(&zip, "m/b", 3));
    assert_code(&s, DMX_OK, -1, "");
}

static void test_comment(void **state)
{
    (void)state;
    sample s = make();
    set(&s, s.end + 20, 3, 2);
    bytes_text(&s.b, "abc");
    assert_code(&s, DMX_OK, -1, "");
    s = make();
    bytes_text(&s.b, "abc");
    assert_code(&s, DMX_ERROR_FORMAT, (int64_t)(s.end + END + 3), "truncated");
}

/* One number changed: where, how wide, to what, and the verdict. */
typedef struct lie {
    char base; /* 'e'nd, 'c'entral of the first entry, 'l'ocal of it, 'd': of
                  the second entry's central record */
    size_t at;
    int width;
    uint64_t value;
    const char *part;
} lie;

static const lie lies[] = {
    {'e', 0, 1, 'X', "truncated"},
    {'e', 4, 2, 1, "several disks"},
    {'e', 6, 2, 1, "several disks"},
    {'e', 8, 2, 7, "several disks"},
    {'e', 12, 4, 5, "central directory not where"},
    {'e', 16, 4, 5, "central directory not where"},
    {'e', 16, 4, UINT32_MAX, "central directory not where"},
    {'e', 8, 4, 0x00030003, "shorter than its entries"},
    {'e', 8, 4, 0x00010001, "longer than its entries"},
    {'e', 8, 4, 0x7fff7fff, "shorter than its entries"},
    {'c', 0, 1, 'X', "directory record expected"},
    {'c', 8, 2, 4, "local header and directory differ"},
    {'c', 10, 2, 8, "local header and directory differ"},
    {'c', 16, 4, 1, "local header and directory differ"},
    {'c', 20, 4, 4, "local header and directory differ"},
    {'c', 20, 4, 1 << 30, "outside the file"},
    {'c', 20, 4, UINT32_MAX, "zip64 sizes missing"},
    {'c', 24, 4, UINT32_MAX, "zip64 sizes missing"},
    {'c', 24, 4, 4, "local header and directory differ"},
    {'c', 28, 2, 9, "local header and directory differ"},
    {'c', 28, 2, 0xffff, "record too long"},
    {'c', 30, 2, 3, "directory"},
    {'c', 32, 2, 0xffff, "record too long"},
    {'c', 42, 4, 1, "no local header"},
    {'c', 42, 4, UINT32_MAX, "zip64 sizes missing"},
    {'c', 42, 4, 1 << 30, "outside the file"},
    {'c', 46, 1, 'X', "local header and directory differ"},
    {'d', 42, 4, 0, "local header and directory differ"},
    {'l', 0, 1, 'X', "no local header"},
    {'l', 6, 2, 4, "local header and directory differ"},
    {'l', 8, 2, 8, "local header and directory differ"},
    {'l', 14, 4, 1, "local header and directory differ"},
    {'l', 18, 4, 1, "local header and directory differ"},
    {'l', 22, 4, 1, "local header and directory differ"},
    {'l', 22, 4, UINT32_MAX, "zip64 sizes missing"},
    {'l', 26, 2, 0xffff, "reaches past the end"},
    {'l', 28, 2, 10, "overlaps another"},
    {'l', 28, 2, 0xffff, "reaches past the end"},
    {'l', 40, 1, 'H', "checksum"},
};

static void test_lies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        sample s = make();
        const size_t base = lies[i].base == 'e'   ? s.end
                            : lies[i].base == 'c' ? s.directory
                            : lies[i].base == 'd' ? s.directory + CENTRAL + 10
                                                  : 0;
        set(&s, base + lies[i].at, lies[i].value, lies[i].width);
        assert_code(&s, DMX_ERROR_FORMAT, -1, lies[i].part);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    zip_writer z = {0};
    zip_add(&z, "a", "", 0);
    const size_t at = z.file.size;
    bytes_put(&z.file, z.directory.data, z.directory.size);
    const size_t end64 = z.file.size;
    bytes_literal(&z.file, "PK\x06\x06\x2c\0\0\0\0\0\0\0\0\0\0\0");
    bytes_number(&z.file, 0, 8);
    bytes_number(&z.file, 100001, 8);
    bytes_number(&z.file, 100001, 8);
    bytes_number(&z.file, z.directory.size, 8);
    bytes_number(&z.file, at, 8);
    bytes_literal(&z.file, "PK\x06\x07\0\0\0\0");
    bytes_number(&z.file, end64, 8);
    bytes_number(&z.file, 1, 4);
    bytes_literal(&z.file, "PK\x05\x06\0\0\0\0");
    bytes_number(&z.file, UINT64_MAX, 12);
    bytes_number(&z.file, 0, 2);
    sample s = {.b = z.file};
    bytes_free(&z.directory);
    assert_code(&s, DMX_ERROR_LIMIT, (int64_t)(s.b.size - END), "entries");
}

/* ------------------------------------------------------------------ zip64 */

static void put_extra(bytes *b, int numbers, uint64_t offset)
{
    bytes_number(b, 0x4246, 2); /* PyTorch's padding comes first */
    bytes_number(b, 2, 2);
    bytes_literal(b, "ZZ");
    bytes_number(b, 1, 2);
    bytes_number(b, (uint64_t)(8 * numbers), 2);
    bytes_number(b, 5, 8);
    bytes_number(b, 5, 8);
    if (numbers == 3)
        bytes_number(b, offset, 8);
}

static void put_header64(bytes *b, uint64_t sizes, unsigned flags,
                         unsigned extra)
{
    bytes_number(b, flags, 2);
    bytes_number(b, 0, 6);
    bytes_number(b, sizes == 0 ? 0 : 0x3610a686, 4); /* CRC of "hello" */
    bytes_number(b, sizes, 4);
    bytes_number(b, sizes, 4);
    bytes_number(b, 1, 2);
    bytes_number(b, extra, 2);
}

/* One entry "a" with everything in zip64 fields; streamed: bit 3, sizes of
 * zero in the local header and a data descriptor. */
static sample make64(bool streamed)
{
    sample s = {0};
    bytes *b = &s.b;
    const unsigned flags = streamed ? 8 : 0;
    bytes_literal(b, "PK\003\004\x2d\0");
    put_header64(b, streamed ? 0 : UINT32_MAX, flags, streamed ? 0 : 26);
    bytes_text(b, "a");
    if (!streamed)
        put_extra(b, 2, 0);
    bytes_text(b, "hello");
    if (streamed) {
        bytes_literal(b, "PK\x07\x08");
        bytes_number(b, 0x3610a686, 4);
        bytes_number(b, 5, 8);
        bytes_number(b, 5, 8);
    }
    s.directory = b->size;
    bytes_literal(b, "PK\001\002\x2d\0\x2d\0");
    put_header64(b, UINT32_MAX, flags, 34);
    bytes_number(b, 0, 10);
    bytes_number(b, UINT32_MAX, 4);
    bytes_text(b, "a");
    put_extra(b, 3, 0);
    s.end = b->size;
    bytes_literal(b, "PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0");
    bytes_number(b, 0, 8);
    bytes_number(b, 1, 8);
    bytes_number(b, 1, 8);
    bytes_number(b, s.end - s.directory, 8);
    bytes_number(b, s.directory, 8);
    bytes_literal(b, "PK\x06\x07\0\0\0\0");
    bytes_number(b, s.end, 8);
    bytes_number(b, 1, 4);
    bytes_literal(b, "PK\x05\x06\0\0\0\0");
    bytes_number(b, UINT64_MAX, 12);
    bytes_number(b, 0, 2);
    return s;
}

static void test_zip64(void **state)
{
    (void)state;
    for (int streamed = 0; streamed < 2; streamed++) {
        sample s = make64(streamed != 0);
        assert_code(&s, DMX_OK, -1, "");
    }
    const struct {
        size_t at;
        uint64_t value;
        const char *part;
    } wrong[] = {
        {0, 'X', "zip64 end record not where"},
        {4, 43, "zip64 end record of a wrong size"},
        {16, 1, "several disks"},
        {24, 2, "several disks"},
        {40, 1, "central directory not where"},
        {56 + 4, 1, "several disks"},
        {56 + 8, 0xff, "zip64 end record not where"},
        {56 + 16, 2, "several disks"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        sample s = make64(false);
        set(&s, s.end + wrong[i].at, wrong[i].value, 1);
        assert_code(&s, DMX_ERROR_FORMAT, -1, wrong[i].part);
    }
    sample s = make64(false);
    set(&s, LOCAL + 1 + 8, 6, 2); /* a zip64 field too short */
    assert_code(&s, DMX_ERROR_FORMAT, -1, "zip64 sizes missing");
    s = make64(false);
    set(&s, LOCAL + 1 + 2, 100, 2); /* a field longer than all of them */
    assert_code(&s, DMX_ERROR_FORMAT, -1, "zip64 sizes missing");
    s = make64(true);
    set(&s, LOCAL + 1 + 5 + 4, 0, 4); /* the descriptor's CRC */
    assert_code(&s, DMX_ERROR_FORMAT, -1, "data descriptor");
}

/* Both headers agree that the entry is compressed, encrypted, two sizes. */
static void test_unreadable(void **state)
{
    (void)state;
    sample s = make();
    set(&s, 8, 8, 2);
    set(&s, s.directory + 10, 8, 2);
    assert_code(&s, DMX_ERROR_UNSUPPORTED, 0, "compressed");
    s = make();
    set(&s, 6, 1, 2);
    set(&s, s.directory + 8, 1, 2);
    assert_code(&s, DMX_ERROR_UNSUPPORTED, 0, "encrypted");
    s = make();
    set(&s, 22, 4, 4);
    set(&s, s.directory + 24, 4, 4);
    assert_code(&s, DMX_ERROR_FORMAT, 0, "two sizes");
    zip_writer z = {0};
    zip_add(&z, "a", "x", 1);
    zip_add(&z, "a", "x", 1);
    zip_end(&z);
    s.b = z.file;
    bytes_free(&z.directory);
    assert_code(&s, DMX_ERROR_FORMAT, -1, "is there twice");
}

static void test_truncated(void **state)
{
    (void)state;
    sample s = make();
    for (size_t size = 0; size < s.b.size; size++) {
        sample cut = {0};
        bytes_put(&cut.b, s.b.data, size);
        if (size == 0)
            bytes_put(&cut.b, "", 1);
        cut.b.size = size;
        assert_code(&cut, DMX_ERROR_FORMAT, (int64_t)size, "truncated");
    }
    bytes_free(&s.b);
}

/* ------------------------------------------------------ torch's own entries */

static void assert_torch(const char *name, const char *text, dmx_status code,
                         const char *part)
{
    zip_writer z = {0};
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    zip_add(&z, name, text, strlen(text));
    zip_package(&z, "\x80\x02}.", 4, 1);
    assert_int_equal(open_bytes(&c, z.file.data, z.file.size, NULL, &err),
                     code);
    if (strstr(err.message, part) == NULL)
        fail_msg("%s: %s", part, err.message);
    zip_free(&z);
}

static void test_torch_entries(void **state)
{
    (void)state;
    assert_torch("model/byteorder", "little", DMX_ERROR_MODEL, "not a model");
    assert_torch("model/byteorder", "big", DMX_ERROR_UNSUPPORTED, "big-endian");
    assert_torch("model/byteorder", "?", DMX_ERROR_FORMAT, "byteorder");
    assert_torch("model/constants.pkl", "", DMX_ERROR_UNSUPPORTED,
                 "TorchScript");
    assert_torch("x/data.pkl", "", DMX_ERROR_FORMAT, "more than one");
    assert_torch("xdata.pkl", "", DMX_ERROR_MODEL, "not a model");
}

static void test_root_folder(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    static const char *const names[][2] = {{"data.pkl", "data/0"},
                                           {"a/b/data.pkl", "a/b/data/0"}};
    for (size_t i = 0; i < 2; i++) {
        bytes p = {0};
        zip_writer z = {0};
        dmx_checkpoint *c = NULL;
        bytes_literal(&p, "\x80\x02}U\x01w");
        pickle_tensor(&p, "FloatStorage", "0", 1, 0, ")", ")");
        bytes_text(&p, "s.");
        zip_add(&z, names[i][0], p.data, p.size);
        zip_add(&z, names[i][1], "\0\0\0\0", 4);
        zip_end(&z);
        assert_ok(open_bytes(&c, z.file.data, z.file.size, NULL, &err), &err);
        dmx_checkpoint_close(c);
        zip_free(&z);
        bytes_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_comment),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_zip64),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_torch_entries),
        cmocka_unit_test(test_root_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
