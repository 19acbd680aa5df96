/* The released configurations at full size: how many tensors and numbers they
 * have, and where parameters stand in the order of registration. */
#include "test_support.h"

#include "arch/registration.h"

#include <string.h>

#define COMMON "{\"sources\": [\"a\", \"b\", \"c\", \"d\"]"

typedef struct seen {
    size_t tensors;
    int64_t numbers;
    size_t place; /* of `watched` */
    const char *watched;
} seen;

static void count(void *user, const char *name, int rank, const int64_t *dim)
{
    seen *s = user;
    int64_t n = 1;
    for (int k = 0; k < rank; k++)
        n *= dim[k];
    if (strcmp(name, s->watched) == 0)
        s->place = s->tensors;
    s->tensors++;
    s->numbers += n;
}

static void test_released(void **state)
{
    (void)state;
    /* Counts of the published files; places counted in a state dict of the
     * original class. */
    static const struct {
        const char *klass, *kwargs;
        size_t tensors;
        int64_t numbers;
        const char *name;
        size_t place;
    } known[] = {
        {"Demucs", COMMON ", \"rewrite\": false}", 252, 88984040,
         "decoder.0.0.weight", 236},
        {"HDemucs", COMMON ", \"cac\": false, \"norm_starts\": 999}", 377,
         83607872, "tencoder.0.conv.weight", 268},
        {"HDemucs",
         COMMON ", \"multi_freqs\": [0.1, 0.3], \"norm_starts\": 999}", 481,
         83884248, "encoder.0.layers.1.conv.weight", 22},
        {"HDemucs", COMMON "}", 395, 83637832, "decoder.1.norm1.bias", 267},
        {"Demucs", COMMON "}", 284, 133753064, "decoder.5.3.bias", 283},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        seen s = {.watched = known[i].name};
        dmx_error err = DMX_ERROR_INIT;
        dmx_json *kwargs = dmx_json_read(known[i].kwargs);
        assert_ok(
            dmx_network_parameters(known[i].klass, kwargs, count, &s, &err),
            &err);
        assert_int_equal(s.tensors, known[i].tensors);
        assert_int_equal(s.numbers, known[i].numbers);
        assert_int_equal(s.place, known[i].place);
        dmx_json_free(kwargs);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    seen s = {.watched = ""};
    dmx_error err = DMX_ERROR_INIT;
    dmx_json *kwargs = dmx_json_read(COMMON "}");
    assert_int_equal(
        dmx_network_parameters("HTDemucs", kwargs, count, &s, &err),
        DMX_ERROR_UNSUPPORTED);
    dmx_json_free(kwargs);
    kwargs = dmx_json_read(COMMON ", \"growth\": 1000}");
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_network_parameters("HDemucs", kwargs, count, &s, &err),
                     DMX_ERROR_MODEL);
    dmx_json_free(kwargs);
    assert_int_equal(s.tensors, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_released),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
