/* The core's own SHA-256 against OpenSSL's, CRC-32 against its definition. */
#define dmx_sha256_open   own_open
#define dmx_sha256_update own_update
#define dmx_sha256_finish own_finish
#include "base/sha256.c"
#include "test_support.h"

enum { MOST = 300 };

static void fill(unsigned char *data, size_t size)
{
    uint32_t x = 1;
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525u + 1013904223u;
        data[i] = (unsigned char)(x >> 24);
    }
}

/* Every length around the block size, cut in two at every place. */
static void test_sha256(void **context)
{
    (void)context;
    unsigned char data[MOST];
    fill(data, sizeof data);
    for (size_t size = 0; size <= MOST; size++) {
        char expected[DMX_SHA256_HEX], hex[DMX_SHA256_HEX];
        dmx_error err = DMX_ERROR_INIT;
        assert_int_equal(dmx_sha256_hex(expected, data, size, &err), DMX_OK);
        for (size_t cut = 0; cut <= size; cut += cut < 3 ? 1 : 61) {
            dmx_sha256 *state = own_open();
            own_update(state, data, cut);
            own_update(state, data + cut, size - cut);
            own_finish(state, hex);
            assert_string_equal(hex, expected);
        }
    }
}

static uint32_t plain_crc(const unsigned char *p, size_t size)
{
    uint32_t c = ~0u;
    for (size_t i = 0; i < size; i++) {
        c ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ ((c & 1) != 0 ? 0xedb88320u : 0);
    }
    return ~c;
}

static void test_crc32(void **context)
{
    (void)context;
    unsigned char data[MOST];
    fill(data, sizeof data);
    assert_int_equal(dmx_crc32("123456789", 9), 0xcbf43926u);
    for (size_t start = 0; start < 9; start++)
        for (size_t size = 0; size + start <= MOST; size++)
            assert_int_equal(dmx_crc32(data + start, size),
                             plain_crc(data + start, size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_crc32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
