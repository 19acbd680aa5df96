/* ONNX Runtime through its function table, with models made in memory. Without
 * the library only its absence is tested. */
#include "runtime/runtime.h"
#include "test_support.h"
#include "tiny_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAMPLES 1000

static dmx_runtime *runtime;

static int open_runtime(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    if (dmx_runtime_open(&runtime, NULL, &err) != DMX_OK)
        printf("no ONNX Runtime: %s\n", err.message);
    return 0;
}

static int close_runtime(void **state)
{
    (void)state;
    dmx_runtime_close(runtime);
    return 0;
}

static dmx_session *open_tiny(int64_t samples, int repeats,
                              const dmx_session_options *options)
{
    tiny_model *tiny = tiny_model_open(samples, repeats);
    size_t size;
    unsigned char *bytes = tiny_model_pack(tiny, &size);
    dmx_error err = DMX_ERROR_INIT;
    dmx_session *session;
    assert_ok(
        dmx_session_open(&session, runtime, "tiny", bytes, size, options, &err),
        &err);
    free(bytes);
    tiny_model_close(tiny);
    return session;
}

static float *ramp(size_t count)
{
    float *x = malloc(count * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)i;
    return x;
}

static void a_model_runs(void **state)
{
    (void)state;
    if (runtime == NULL)
        skip();
    dmx_error err = DMX_ERROR_INIT;
    dmx_session *session = open_tiny(SAMPLES, 1, NULL);
    size_t count;
    const dmx_port *in = dmx_session_inputs(session, &count);
    assert_int_equal(count, 1);
    assert_string_equal(in->name, "mix");
    assert_true(in->float32);
    assert_int_equal(in->rank, 3);
    assert_int_equal(in->dim[2], SAMPLES);
    const dmx_port *out = dmx_session_outputs(session, &count);
    assert_string_equal(out->name, "stems");
    assert_int_equal(out->rank, 4);
    assert_string_equal(dmx_session_provider(session), "cpu");
    float *x = ramp(2 * SAMPLES), y[4 * SAMPLES];
    const dmx_run run = {
        .input = x, .dim = (const int64_t[]){1, 2, SAMPLES}, .rank = 3};
    assert_ok(dmx_session_run_first(session, &run, y, 4 * SAMPLES, &err), &err);
    assert_true(y[7] == 3.5f && y[2 * SAMPLES + 7] == 14.0f);
    /* A buffer of another size is an error, not an overflow. */
    assert_int_equal(dmx_session_run_first(session, &run, y, 5, &err),
                     DMX_ERROR_MODEL);
    free(x);
    dmx_session_close(session);
}

static void wrong_input_shape_is_an_error(void **state)
{
    (void)state;
    if (runtime == NULL)
        skip();
    dmx_error err = DMX_ERROR_INIT;
    dmx_session *session = open_tiny(SAMPLES, 1, NULL);
    float *x = ramp(2 * SAMPLES), y[4];
    const dmx_run run = {
        .input = x, .dim = (const int64_t[]){1, 2, SAMPLES / 2}, .rank = 3};
    assert_int_equal(dmx_session_run_first(session, &run, y, 4, &err),
                     DMX_ERROR_RUNTIME);
    assert_non_null(strstr(err.message, dmx_runtime_version(runtime)));
    free(x);
    dmx_session_close(session);
}

static void garbage_is_not_a_model(void **state)
{
    (void)state;
    if (runtime == NULL)
        skip();
    dmx_error err = DMX_ERROR_INIT;
    dmx_session *session;
    assert_int_equal(dmx_session_open(&session, runtime, "garbage",
                                      "not a model", 11, NULL, &err),
                     DMX_ERROR_RUNTIME);
    assert_null(session);
    assert_null(strchr(err.message, '\n'));
}

static int stop_at_once(void *user, const char *stage, double fraction)
{
    (void)stage;
    (void)fraction;
    ++*(int *)user;
    return 1;
}

static void a_run_can_be_stopped(void **state)
{
    (void)state;
    if (runtime == NULL)
        skip();
    const int64_t samples = 1 << 20;
    const dmx_session_options plain = {.optimization = DMX_OPTIMIZE_NONE,
                                       .threads = 1};
    dmx_session *session = open_tiny(samples, 3000, &plain);
    int calls = 0;
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = &calls, .progress = stop_at_once};
    float *x = ramp(2 * (size_t)samples), y[1];
    const dmx_run run = {.input = x,
                         .dim = (const int64_t[]){1, 2, samples},
                         .rank = 3,
                         .hooks = &hooks,
                         .stage = "running"};
    dmx_error err = DMX_ERROR_INIT;
    const time_t before = time(NULL);
    assert_int_equal(dmx_session_run_first(session, &run, y, 1, &err),
                     DMX_ERROR_CANCELLED);
    assert_true(time(NULL) - before <= 5);
    assert_true(calls >= 1);
    free(x);
    dmx_session_close(session);
}

static void warn_counts(void *user, const char *message)
{
    assert_non_null(strstr(message, "cuda"));
    ++*(int *)user;
}

static void providers_fall_back(void **state)
{
    (void)state;
    if (runtime == NULL)
        skip();
    int warnings = 0;
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = &warnings, .warn = warn_counts};
    dmx_session_options options = {.providers = "cuda,cpu", .hooks = &hooks};
    dmx_session *session = open_tiny(SAMPLES, 1, &options);
    if (strcmp(dmx_session_provider(session), "cpu") == 0)
        assert_int_equal(warnings, 1);
    dmx_session_close(session);
    dmx_error err = DMX_ERROR_INIT;
    options.providers = "tpu";
    assert_int_equal(
        dmx_session_open(&session, runtime, "x", "", 0, &options, &err),
        DMX_ERROR_ARGUMENT);
}

typedef struct heard {
    int warnings, details;
    int built_in; /* warnings of a provider that the library has, but can't add
                   */
} heard;

static void hear_warning(void *user, const char *message)
{
    heard *h = user;
    h->warnings++;
    h->built_in += strstr(message, "was built without it") == NULL;
}

static void hear_detail(void *user, const char *message)
{
    assert_non_null(strstr(message, "going on without it"));
    ((heard *)user)->details++;
}

/* Who leaves the choice to the library is not warned of what isn't there. */
static void automatic_providers_warn_of_nothing(void **state)
{
    (void)state;
    if (runtime == NULL)
        skip();
    heard named = {0}, automatic = {0};
    dmx_hooks hooks = {.size = sizeof(dmx_hooks),
                       .user = &named,
                       .warn = hear_warning,
                       .detail = hear_detail};
    dmx_session_options options = {.providers = "cuda,coreml,dml",
                                   .hooks = &hooks};
    dmx_session_close(open_tiny(SAMPLES, 1, &options));
    assert_int_equal(named.details, 0);
    hooks.user = &automatic;
    options.providers = "auto";
    dmx_session_close(open_tiny(SAMPLES, 1, &options));
    assert_int_equal(automatic.warnings, 0);
    assert_int_equal(automatic.details, named.built_in);
}

static void a_missing_library_is_explained(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_runtime *none;
    assert_int_equal(dmx_runtime_open(&none, "/nonexistent/lib.so", &err),
                     DMX_ERROR_RUNTIME);
    assert_non_null(strstr(err.message, "options.onnxruntime"));
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_runtime_open(&none, test_folder(), &err),
                     DMX_ERROR_RUNTIME);
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_runtime_open(&none, test_data("demo/README.md"), &err),
                     DMX_ERROR_RUNTIME);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_runs),
        cmocka_unit_test(wrong_input_shape_is_an_error),
        cmocka_unit_test(garbage_is_not_a_model),
        cmocka_unit_test(a_run_can_be_stopped),
        cmocka_unit_test(providers_fall_back),
        cmocka_unit_test(automatic_providers_warn_of_nothing),
        cmocka_unit_test(a_missing_library_is_explained),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
