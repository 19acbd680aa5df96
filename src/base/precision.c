#include "base/precision.h"

#include <string.h>

static const struct {
    const char *name;
    dmx_weight_format weights;
} precisions[] = {
    [DMX_PRECISION_FP32] = {"fp32", DMX_WEIGHTS_FLOAT32},
    [DMX_PRECISION_FP16_WEIGHTS] = {"fp16weights", DMX_WEIGHTS_FLOAT16},
    [DMX_PRECISION_INT8] = {"int8", DMX_WEIGHTS_FLOAT16},
};
#define N_PRECISION (sizeof precisions / sizeof precisions[0])

static bool known(dmx_precision precision)
{
    return (size_t)precision < N_PRECISION;
}

dmx_status dmx_precision_check(dmx_precision precision, dmx_error *err)
{
    DMX_RETURN_IF(!known(precision), err, DMX_ERROR_ARGUMENT,
                  "there is no precision number %d", (int)precision);
    return DMX_OK;
}

dmx_weight_format dmx_precision_format(dmx_precision precision)
{
    return known(precision) ? precisions[precision].weights
                            : DMX_WEIGHTS_FLOAT32;
}

const char *dmx_precision_name(dmx_precision precision)
{
    return known(precision) ? precisions[precision].name : NULL;
}

int dmx_precision_find(dmx_precision *out, const char *name)
{
    for (size_t i = 0; out != NULL && name != NULL && i < N_PRECISION; i++)
        if (strcmp(name, precisions[i].name) == 0) {
            *out = (dmx_precision)i;
            return 1;
        }
    return 0;
}
