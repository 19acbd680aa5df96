/* Fuzzes the graph: the first byte chooses between a sequence of builder
 * calls with arbitrary arguments, and an HTDemucs with arbitrary constructor
 * arguments on the weights of a real checkpoint. Invariants: no crash, every
 * value has a sane shape, inputs precede their users. */
#include "arch/arch.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct bytes {
    const uint8_t *data;
    size_t size;
} bytes;

static int64_t take(bytes *b, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        value = value << 8 | (b->size > 0 ? b->data[0] : 0);
        if (b->size > 0) {
            b->data++;
            b->size--;
        }
    }
    return (int64_t)value;
}

/* Small numbers mostly, absurd ones sometimes. */
static int64_t number(bytes *b)
{
    const int64_t kind = take(b, 1);
    if (kind < 200)
        return kind % 20;
    return kind < 240 ? take(b, 2) : take(b, 8);
}

static dmx_tensor tensor(bytes *b)
{
    static const float data[1];
    dmx_tensor t = {.name = "w", .data = data, .dtype = DMX_F32};
    t.rank = (int)(take(b, 1) % 6);
    for (int k = 0; k < t.rank; k++)
        t.dim[k] = number(b);
    return t;
}

static void check(const dmx_graph *g)
{
    for (size_t i = 0; i < g->n_node; i++)
        for (int k = 0; k < g->node[i].n_in; k++)
            if (g->value[g->node[i].in[k]].producer >= (int32_t)i)
                abort();
    for (size_t i = 0; i < g->n_value; i++)
        for (int k = 0; k < g->value[i].shape.rank; k++)
            if (g->value[i].shape.dim[k] <= 0)
                abort();
}

static dmx_value any(const dmx_graph *g, bytes *b)
{
    return g->n_value == 0 ? 0 : (dmx_value)((size_t)take(b, 1) % g->n_value);
}

static void one_call(dmx_graph *g, bytes *b)
{
    const dmx_value x = any(g, b), y = any(g, b), z = any(g, b);
    const dmx_tensor *w = dmx_graph_tensor(g, tensor(b));
    const dmx_tensor *bias = dmx_graph_tensor(g, tensor(b));
    const int64_t p = number(b), q = number(b);
    dmx_conv_geometry geometry = {.stride = {number(b), number(b)},
                                  .padding = {{p, q}, {q, p}},
                                  .dilation = {number(b), number(b)}};
    const dmx_value list[] = {x, y, z};
    dmx_value mean, std;
    switch (take(b, 1) % 21) {
    case 0:
        dmx_graph_pad(g, "p", x, (int)q, p, q);
        break;
    case 1:
        dmx_graph_crop(g, "p", x, (int)(p % 4), p, q);
        break;
    case 2:
        dmx_graph_concat(g, "p", list, (int)(p % 4), (int)(q % 4));
        break;
    case 3:
        dmx_graph_reshape(g, "p", x, (dmx_shape){3, {p, q, number(b)}});
        break;
    case 4:
        dmx_graph_stft(g, "p", x, p);
        break;
    case 5:
        dmx_graph_istft(g, "p", x, p, q);
        break;
    case 6:
        dmx_graph_statistics(g, "p", x, &mean, &std);
        dmx_graph_standardize(g, "p", x, mean, std, 1e-5);
        break;
    case 7:
        dmx_graph_unstandardize(g, "p", x, y, z);
        break;
    case 8:
        dmx_graph_conv(g, "p", x, w, bias, geometry);
        break;
    case 9:
        dmx_graph_conv_transpose(g, "p", x, w, bias, geometry);
        break;
    case 10:
        dmx_graph_group_norm(g, "p", x, w, bias, p, (q & 1) != 0, 1e-5);
        break;
    case 11:
        dmx_graph_layer_norm(g, "p", x, w, bias, 1e-5);
        break;
    case 12:
        dmx_graph_activation(g, "p", (dmx_op)(p % DMX_OP_COUNT), x);
        break;
    case 13:
        dmx_graph_scale(g, "p", x, w);
        break;
    case 14:
        dmx_graph_add(g, "p", x, y, 1.0);
        break;
    case 15:
        dmx_graph_linear(g, "p", x, w, bias);
        break;
    case 16:
        dmx_graph_attention(g, "p", x, y, z, p);
        break;
    case 17:
        dmx_graph_tokens(g, "p", x);
        break;
    case 18:
        dmx_graph_untokens(g, "p", x, p);
        break;
    case 19:
        dmx_graph_position_1d(g, "p", DMX_POSITION_SIN, p, q, 1e4, true);
        break;
    default:
        dmx_graph_position_2d(g, "p", p, q, number(b), 1e4);
        break;
    }
}

static void fuzz_builders(bytes *b)
{
    dmx_graph *g = dmx_graph_open();
    if (g == NULL)
        return;
    dmx_graph_input(g, number(b), take(b, 3));
    for (int i = 0; i < 200 && b->size > 0; i++) {
        one_call(g, b);
        check(g);
        /* Go on: an error must not poison what is there already. */
        g->error = (dmx_error)DMX_ERROR_INIT;
    }
    if (g->n_value > 0)
        dmx_graph_output(g, (dmx_value)(g->n_value - 1));
    dmx_graph_prune(g);
    check(g);
    dmx_graph_close(g);
}

static dmx_checkpoint *real_checkpoint(void)
{
    static dmx_checkpoint *c;
    const char *folder = getenv("DMX_TEST_DATA");
    char path[1024];
    if (c != NULL)
        return c;
    snprintf(path, sizeof path, "%s/htdemucs/model.th",
             folder != NULL ? folder : DMX_TEST_DATA);
    if (dmx_checkpoint_open(&c, path, NULL, NULL) != DMX_OK)
        abort();
    return c;
}

/* The input is a JSON object of arguments over those of the checkpoint; with
 * an odd first byte the checkpoint is a bare state dict. */
static void fuzz_arguments(bytes *b)
{
    struct dmx_checkpoint c = *real_checkpoint();
    const bool bare = (take(b, 1) & 1) != 0;
    dmx_json *given = dmx_json_read_bytes((const char *)b->data, b->size);
    if (!dmx_json_is_object(given)) {
        dmx_json_free(given);
        return;
    }
    if (bare) {
        c.klass_name = NULL;
        c.args = NULL;
    }
    c.kwargs = given;
    dmx_model *m;
    dmx_graph *g;
    if (dmx_model_open(&m, &c, NULL, NULL) == DMX_OK) {
        if (dmx_model_graph(&g, m, 0, NULL) == DMX_OK) {
            check(g);
            dmx_graph_close(g);
        }
        dmx_model_close(m);
    }
    dmx_json_free(given);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes b = {data, size};
    if ((take(&b, 1) & 1) != 0)
        fuzz_arguments(&b);
    else
        fuzz_builders(&b);
    return 0;
}
