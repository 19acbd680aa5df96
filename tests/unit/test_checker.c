/* The official checker accepts a good model and names what is wrong. */
#include "test_support.h"
#include "tiny_model.h"
#include "verify/checker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DMX_TEST_SANITIZED /* their memory can't be limited */
#endif

static dmx_status check(const dmx_checker *c, tiny_model *tiny, dmx_error *err)
{
    size_t size;
    unsigned char *bytes = tiny_model_pack(tiny, &size);
    const dmx_status status =
        dmx_checker_check(c, bytes, size, true, NULL, err);
    free(bytes);
    return status;
}

static void models_are_judged(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_checker *c;
    assert_ok(dmx_checker_open(&c, &err), &err);
    assert_true(dmx_checker_newest_opset(c) >= 17);
    tiny_model *tiny = tiny_model_open(100, 3);
    Onnx__ModelProto *model = tiny_model_proto(tiny);
    assert_ok(check(c, tiny, &err), &err);

    /* An operator that does not exist. */
    model->graph->node[1]->op_type = "Mull";
    assert_int_equal(check(c, tiny, &err), DMX_ERROR_CHECK);
    assert_non_null(strstr(err.message, "Mull"));
    assert_null(strchr(err.message, '\n'));
    model->graph->node[1]->op_type = "Mul";

    /* A declared output shape that inference contradicts. */
    err = (dmx_error)DMX_ERROR_INIT;
    model->graph->output[0]->type->tensor_type->shape->dim[3]->dim_value = 7;
    assert_int_equal(check(c, tiny, &err), DMX_ERROR_CHECK);
    model->graph->output[0]->type->tensor_type->shape->dim[3]->dim_value = 100;

    /* An input that no node produces. */
    err = (dmx_error)DMX_ERROR_INIT;
    model->graph->node[0]->input[0] = "nowhere";
    assert_int_equal(check(c, tiny, &err), DMX_ERROR_CHECK);
    tiny_model_close(tiny);

    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_checker_check(c, "garbage", 7, false, NULL, &err),
                     DMX_ERROR_CHECK);
    dmx_checker_close(c);
}

#if defined(__linux__) && !defined(DMX_TEST_SANITIZED)
/* Emulators may take a limit and not keep it; then it reads as before. */
enum { UNLIMITED = 77 };

static bool limit_data(rlim_t bytes)
{
    const struct rlimit limit = {bytes, bytes};
    struct rlimit now;
    return setrlimit(RLIMIT_DATA, &limit) == 0 &&
           getrlimit(RLIMIT_DATA, &now) == 0 && now.rlim_cur == bytes;
}

/* In a process of its own, which has so much memory more than now: an error or
 * a checker, and no end of the process, wherever the memory runs out. */
static int open_within(size_t more)
{
    const pid_t child = fork();
    if (child == 0) {
        dmx_checker *c;
        dmx_error err = DMX_ERROR_INIT;
        long long kb = 0;
        char line[128];
        FILE *f = fopen("/proc/self/status", "re");
        while (f != NULL && fgets(line, sizeof line, f) != NULL &&
               sscanf(line, "VmData: %lld", &kb) != 1)
            continue;
        if (f == NULL || kb <= 0)
            _exit(98);
        if (!limit_data(((rlim_t)kb << 10) + more))
            _exit(UNLIMITED);
        const dmx_status status = dmx_checker_open(&c, &err);
        _exit(status == err.code ? (int)status : 99);
    }
    int ended = 0;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended));
    return WEXITSTATUS(ended);
}

static void little_memory_is_an_error(void **state)
{
    (void)state;
    int opened = 0, refused = 0;
    for (size_t mib = 0; mib < 48; mib++) {
        const int code = open_within((mib << 20) + (mib << 12));
        if (code == UNLIMITED)
            skip();
        assert_true(code == DMX_OK || code == DMX_ERROR_MEMORY);
        opened += code == DMX_OK;
        refused += code == DMX_ERROR_MEMORY;
    }
    assert_true(opened > 0 && refused > 0);
}
#else
static void little_memory_is_an_error(void **state)
{
    (void)state;
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_memory_is_an_error),
        cmocka_unit_test(models_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
