/* Numbers of CPython 3.11's random module. */
#include "separate/python_random.h"
#include "test_support.h"

static void check(int64_t seed, const uint32_t expected[6])
{
    dmx_python_random random;
    dmx_python_seed(&random, seed);
    for (int i = 0; i < 6; i++)
        assert_int_equal(dmx_python_randint(&random, 22050), expected[i]);
}

static void test_seeds(void **state)
{
    (void)state;
    check(0, (uint32_t[]){12623, 13781, 1326, 8484, 16753, 15922});
    check(1, (uint32_t[]){4402, 18651, 2067, 8358, 3863, 16234});
    check(42, (uint32_t[]){20952, 3648, 819, 9012, 8024, 7314});
    check(-7, (uint32_t[]){10611, 4943, 12937, 21329, 1582, 2373});
    check(((int64_t)1 << 40) + 3,
          (uint32_t[]){7201, 1993, 18004, 3100, 18559, 9966});
    check(INT64_MAX, (uint32_t[]){10375, 21513, 20685, 4347, 16087, 14859});
}

static void test_many(void **state)
{
    (void)state;
    dmx_python_random random;
    dmx_python_seed(&random, 5);
    uint32_t last[3] = {0};
    for (int i = 0; i < 1000; i++)
        last[i % 3] = dmx_python_randint(&random, 22050);
    assert_int_equal(last[(1000 - 3) % 3], 18675);
    assert_int_equal(last[(1000 - 2) % 3], 18543);
    assert_int_equal(last[(1000 - 1) % 3], 20528);
}

static void test_ends_of_range(void **state)
{
    (void)state;
    dmx_python_random random;
    dmx_python_seed(&random, 5);
    assert_int_equal(dmx_python_randint(&random, 0), 0);
    assert_int_equal(dmx_python_randint(&random, 0), 0);
    assert_int_equal(dmx_python_randint(&random, UINT32_MAX - 1), 3415330359u);
    assert_int_equal(dmx_python_randint(&random, UINT32_MAX - 1), 2965446622u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_ends_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
