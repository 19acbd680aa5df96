#include "random_tensor.h"

#include "test_support.h"

const dmx_tensor *random_tensor(dmx_arena *arena, uint64_t *seed,
                                const char *name, double centre, double spread,
                                int rank, const int64_t *dim)
{
    dmx_tensor *t = dmx_arena_alloc(arena, 1, sizeof *t);
    assert_non_null(t);
    *t = (dmx_tensor){.name = name, .dtype = DMX_F32, .rank = rank};
    int64_t count = 1;
    for (int k = rank; k-- > 0; count *= dim[k]) {
        t->dim[k] = dim[k];
        t->stride[k] = count;
    }
    float *data = dmx_arena_alloc(arena, (size_t)count, sizeof *data);
    assert_non_null(data);
    for (int64_t i = 0; i < count; i++)
        data[i] = (float)(centre + spread * test_normal(seed));
    t->data = data;
    return t;
}

dmx_tensor float_tensor(const char *name, const float *data, int rank,
                        int64_t a, int64_t b)
{
    return (dmx_tensor){.name = name,
                        .dtype = DMX_F32,
                        .rank = rank,
                        .dim = {a, b},
                        .stride = {rank == 2 ? b : 1, 1},
                        .data = data};
}
