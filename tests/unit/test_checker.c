/* The official checker accepts a good model and names what is wrong. */
#include "test_support.h"
#include "tiny_model.h"
#include "verify/checker.h"

#include <stdlib.h>
#include <string.h>

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

    /* An input that nobody makes. */
    err = (dmx_error)DMX_ERROR_INIT;
    model->graph->node[0]->input[0] = "nowhere";
    assert_int_equal(check(c, tiny, &err), DMX_ERROR_CHECK);
    tiny_model_close(tiny);

    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_checker_check(c, "garbage", 7, false, NULL, &err),
                     DMX_ERROR_CHECK);
    dmx_checker_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(models_are_judged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
