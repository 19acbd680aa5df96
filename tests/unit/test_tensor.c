/* Tensor views, half precision, the arena. */
#include "test_support.h"

#include "base/memory.h"
#include "base/tensor.h"

#include <math.h>
#include <string.h>

static void test_half_round_trip(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits <= 0xffff; bits++) {
        const float value = dmx_f16_to_f32((uint16_t)bits);
        const uint16_t back = dmx_f32_to_f16(value);
        if (isnan(value))
            assert_true(isnan(dmx_f16_to_f32(back)));
        else
            assert_int_equal(back, bits);
    }
}

static void test_half_values(void **state)
{
    (void)state;
    assert_true(dmx_f16_to_f32(0x3c00) == 1.0f);
    assert_true(dmx_f16_to_f32(0xc000) == -2.0f);
    assert_true(dmx_f16_to_f32(0x0001) == 0x1p-24f);
    assert_true(dmx_f16_to_f32(0x7bff) == 65504.0f);
    assert_true(signbit(dmx_f16_to_f32(0x8000)));
    assert_true(isinf(dmx_f16_to_f32(0x7c00)));
    assert_true(dmx_bf16_to_f32(0x4049) == 3.140625f);
}

/* Halfway cases go to the even neighbour, everything else to the nearer. */
static void test_half_rounding(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 0x7bff; bits++) {
        const double low = (double)dmx_f16_to_f32((uint16_t)bits);
        const double high = (double)dmx_f16_to_f32((uint16_t)(bits + 1));
        const float middle = (float)((low + high) / 2.0);
        assert_int_equal(dmx_f32_to_f16(middle), bits + (bits & 1));
        assert_int_equal(dmx_f32_to_f16(nextafterf(middle, 1e9f)), bits + 1);
        assert_int_equal(dmx_f32_to_f16(nextafterf(middle, -1e9f)), bits);
    }
    assert_int_equal(dmx_f32_to_f16(65519.0f), 0x7bff);
    assert_int_equal(dmx_f32_to_f16(65520.0f), 0x7c00);
}

static void test_strided_reads(void **state)
{
    (void)state;
    const float data[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const dmx_tensor transposed = {.data = data,
                                   .dtype = DMX_F32,
                                   .rank = 2,
                                   .dim = {4, 3},
                                   .stride = {1, 4}};
    float out[12];
    double wide[12];
    assert_false(dmx_tensor_contiguous(&transposed));
    dmx_tensor_to_f32(out, &transposed);
    dmx_tensor_to_f64(wide, &transposed);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++) {
            assert_true(out[i * 3 + k] == data[k * 4 + i]);
            assert_true(wide[i * 3 + k] == (double)data[k * 4 + i]);
        }
    const dmx_tensor part = dmx_tensor_slice(&transposed, 0, 1, 2);
    dmx_tensor_to_f32(out, &part);
    assert_true(out[0] == 1.0f && out[1] == 5.0f && out[3] == 2.0f);
}

/* No elements, and dimensions whose product overflows. */
static void test_empty(void **state)
{
    (void)state;
    const dmx_tensor t = {.dtype = DMX_F32,
                          .rank = 3,
                          .dim = {0, (int64_t)1 << 62, 3},
                          .stride = {1, 1, 1}};
    assert_int_equal(dmx_tensor_count(&t), 0);
    assert_true(dmx_tensor_contiguous(&t));
}

static void test_unaligned_and_types(void **state)
{
    (void)state;
    unsigned char bytes[64];
    const double value = -1.5;
    const int64_t whole = -7;
    memcpy(bytes + 1, &value, sizeof value);
    memcpy(bytes + 17, &whole, sizeof whole);
    dmx_tensor t = {.data = bytes + 1, .dtype = DMX_F64, .rank = 0};
    double out;
    dmx_tensor_to_f64(&out, &t);
    assert_true(out == -1.5);
    t.data = bytes + 17;
    t.dtype = DMX_I64;
    dmx_tensor_to_f64(&out, &t);
    assert_true(out == -7.0);
}

static void test_shape_text(void **state)
{
    (void)state;
    char text[64];
    const dmx_tensor t = {.rank = 3, .dim = {48, 4, 8}};
    const dmx_tensor scalar = {.rank = 0};
    assert_string_equal(dmx_tensor_shape_text(&t, text, sizeof text),
                        "(48, 4, 8)");
    assert_string_equal(dmx_tensor_shape_text(&scalar, text, sizeof text),
                        "()");
}

static void test_arena(void **state)
{
    (void)state;
    dmx_arena arena = {.limit = 100000};
    char *text = dmx_arena_printf(&arena, "%d-%s", 7, "x");
    assert_string_equal(text, "7-x");
    assert_null(dmx_arena_alloc(&arena, 100001, 1));
    assert_null(dmx_arena_alloc(&arena, SIZE_MAX, 2));
    const unsigned char *big = dmx_arena_alloc(&arena, 90000, 1);
    assert_non_null(big);
    assert_int_equal(big[89999], 0);
    dmx_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_round_trip),
        cmocka_unit_test(test_half_values),
        cmocka_unit_test(test_half_rounding),
        cmocka_unit_test(test_strided_reads),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_unaligned_and_types),
        cmocka_unit_test(test_shape_text),
        cmocka_unit_test(test_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
