/* Fuzzes the graph: the first byte chooses between a sequence of builder
 * calls with arbitrary arguments, and a network with arbitrary constructor
 * arguments on the weights of a real checkpoint, or, where they are those of a
 * quantized one, the names that they lead to. Invariants: no crash, every
 * value has a sane shape, inputs precede their users. */
#include "arch/arch.h"
#include "graph/builders.h"

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

/* Mostly small numbers, sometimes absurd ones. */
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
            if (g->value[i].shape.dim[k] <= 0 &&
                (!g->any_length || g->value[i].shape.dim[k] != DMX_ANY))
                abort();
}

static dmx_value any(const dmx_graph *g, bytes *b)
{
    return g->n_value == 0 ? 0 : (dmx_value)((size_t)take(b, 1) % g->n_value);
}

/* Mostly a length of the graph, which depends on the input's. */
static dmx_length length(const dmx_graph *g, bytes *b)
{
    return (take(b, 1) & 1) != 0
               ? dmx_graph_length(g, any(g, b), (int)(take(b, 1) % 3))
               : dmx_length_fixed(number(b));
}

/* ---- one call of each operation's builder -------------------------------- */
typedef struct call {
    dmx_graph *g;
    bytes *b;
    dmx_value x, y, z;
    const dmx_tensor *w, *bias;
    int64_t p, q;
} call;

static void fuzz_input(call *c)
{
    if (c->g->any_length)
        dmx_graph_input_any(c->g, c->p);
    else
        dmx_graph_input(c->g, c->p, c->q);
}

static void fuzz_pad(call *c)
{
    switch (take(c->b, 1) % 3) {
    case 0:
        dmx_graph_pad(c->g, "p", c->x, (int)c->q, c->p, c->q);
        break;
    case 1:
        dmx_graph_pad_to(c->g, "p", c->x, c->p);
        break;
    default:
        dmx_graph_pad_around(c->g, "p", c->x, length(c->g, c->b));
        break;
    }
}

static void fuzz_crop(call *c)
{
    switch (take(c->b, 1) % 3) {
    case 0:
        dmx_graph_crop(c->g, "p", c->x, (int)(c->p % 4), c->p, c->q);
        break;
    case 1:
        dmx_graph_crop_to(c->g, "p", c->x, c->p, length(c->g, c->b));
        break;
    default:
        dmx_graph_crop_centre(c->g, "p", c->x, length(c->g, c->b));
        break;
    }
}

static void fuzz_concat(call *c)
{
    const dmx_value list[] = {c->x, c->y, c->z};
    dmx_graph_concat(c->g, "p", list, (int)(c->p % 4), (int)(c->q % 4));
}

static void fuzz_reshape(call *c)
{
    const int64_t last = number(c->b) - 1; /* DMX_ANY at times */
    dmx_graph_reshape(c->g, "p", c->x, (dmx_shape){3, {c->p, c->q, last}});
}

static void fuzz_stft(call *c)
{
    dmx_graph_stft(c->g, "p", c->x, c->p, (dmx_frames)((uint64_t)c->q % 3));
}

static void fuzz_istft(call *c)
{
    dmx_graph_istft(c->g, "p", c->x, c->p, (dmx_frames)((uint64_t)c->q % 3),
                    length(c->g, c->b));
}

static void fuzz_magnitude(call *c)
{
    dmx_graph_magnitude(c->g, "p", c->x);
}

static void fuzz_mask(call *c)
{
    dmx_graph_mask(c->g, "p", c->x, c->y, (double)c->p);
}

static void fuzz_wiener(call *c)
{
    dmx_graph_wiener(c->g, "p", c->x, c->y, c->p, (c->q & 1) != 0);
}

static void fuzz_mono(call *c)
{
    dmx_graph_mono(c->g, "p", c->x);
}

static void fuzz_resample(call *c)
{
    dmx_graph_resample(c->g, "p", c->x, c->w, c->p);
}

/* Eight weights that fit, or others. */
static void fuzz_lstm(call *c)
{
    static const float data[1];
    const int64_t in =
        (c->q & 1) != 0 ? dmx_graph_shape(c->g, c->x).dim[0] : number(c->b);
    const int64_t hidden = number(c->b);
    const dmx_tensor *list[16];
    for (int i = 0; i < 16; i++) {
        dmx_tensor t = {.name = "w", .data = data, .dtype = DMX_F32};
        t.rank = i % 4 < 2 ? 2 : 1;
        t.dim[0] = hidden < (int64_t)1 << 40 ? 4 * hidden : hidden;
        t.dim[1] = i % 4 == 1 ? hidden : i < 8 ? in : t.dim[0] / 2;
        list[i] = i == c->p ? c->w : dmx_graph_tensor(c->g, t);
    }
    dmx_graph_lstm(c->g, "p", c->x, list, (c->q & 2) != 0 ? 16 : 8,
                   4 * (c->p % 100));
}

static void fuzz_local_attention(call *c)
{
    const dmx_value in[] = {c->x, c->y, c->z, any(c->g, c->b)};
    dmx_graph_local_attention(c->g, "p", in, c->p);
}

static void fuzz_statistics(call *c)
{
    dmx_value mean, std;
    dmx_graph_statistics(c->g, "p", c->x, &mean, &std);
}

static void fuzz_standardize(call *c)
{
    dmx_value mean, std;
    dmx_graph_statistics(c->g, "p", c->x, &mean, &std);
    dmx_graph_standardize(c->g, "p", c->y, mean, std, 1e-5);
}

static void fuzz_unstandardize(call *c)
{
    dmx_graph_unstandardize(c->g, "p", c->x, c->y, c->z);
}

static dmx_conv_geometry geometry(call *c)
{
    return (dmx_conv_geometry){.stride = {number(c->b), number(c->b)},
                               .padding = {{c->p, c->q}, {c->q, c->p}},
                               .dilation = {number(c->b), number(c->b)}};
}

static void fuzz_conv(call *c)
{
    dmx_graph_conv(c->g, "p", c->x, c->w, c->bias, geometry(c));
}

static void fuzz_conv_transpose(call *c)
{
    dmx_graph_conv_transpose(c->g, "p", c->x, c->w, c->bias, geometry(c));
}

static void fuzz_group_norm(call *c)
{
    dmx_graph_group_norm(c->g, "p", c->x, c->w, c->bias, c->p,
                         (c->q & 1) != 0 ? DMX_ROWS_BATCH : DMX_ROWS_TOGETHER,
                         1e-5);
}

static void fuzz_layer_norm(call *c)
{
    dmx_graph_layer_norm(c->g, "p", c->x, c->w, c->bias, 1e-5);
}

static void fuzz_gelu(call *c)
{
    dmx_graph_activation(c->g, "p", (dmx_op)(c->p % DMX_OP_COUNT), c->x);
}

static void fuzz_relu(call *c)
{
    dmx_graph_activation(c->g, "p", DMX_OP_RELU, c->x);
}

static void fuzz_glu(call *c)
{
    dmx_graph_activation(c->g, "p", DMX_OP_GLU, c->x);
}

static void fuzz_scale(call *c)
{
    dmx_graph_scale(c->g, "p", c->x, c->w);
}

static void fuzz_bias(call *c)
{
    dmx_graph_bias(c->g, "p", c->x, c->bias, 1.0);
}

static void fuzz_add(call *c)
{
    dmx_graph_add(c->g, "p", c->x, c->y, 1.0);
}

static void fuzz_linear(call *c)
{
    dmx_graph_linear(c->g, "p", c->x, c->w, c->bias);
}

static void fuzz_attention(call *c)
{
    dmx_graph_attention(c->g, "p", c->x, c->y, c->z, c->p);
}

static void fuzz_tokens(call *c)
{
    dmx_graph_tokens(c->g, "p", c->x);
}

static void fuzz_untokens(call *c)
{
    dmx_graph_untokens(c->g, "p", c->x, c->p);
}

static void fuzz_freq_embedding(call *c)
{
    dmx_graph_freq_embedding(c->g, "p", c->w, 0.2);
}

static void fuzz_position_1d(call *c)
{
    if ((c->p & 1) != 0)
        dmx_graph_position_learned(c->g, "p", c->w, length(c->g, c->b), 1.0);
    else
        dmx_graph_position_1d(c->g, "p", DMX_POSITION_SIN, length(c->g, c->b),
                              c->q, 1e4, true);
}

static void fuzz_position_2d(call *c)
{
    dmx_graph_position_2d(c->g, "p", c->p, length(c->g, c->b), c->q, 1e4);
}

static void one_call(dmx_graph *g, bytes *b)
{
    static void (*const table[DMX_OP_COUNT])(call *) = {
#define DMX_OPERATION(NAME, name, ...) [DMX_OP_##NAME] = fuzz_##name,
#include "graph/operations.def"
#undef DMX_OPERATION
    };
    call c = {.g = g, .b = b, .x = any(g, b), .y = any(g, b), .z = any(g, b)};
    c.w = dmx_graph_tensor(g, tensor(b));
    c.bias = dmx_graph_tensor(g, tensor(b));
    c.p = number(b);
    c.q = number(b);
    table[take(b, 1) % DMX_OP_COUNT](&c);
}

/* A graph of any length agrees with the graph of one length: the rules give
 * the same numbers. */
static void check_at(const dmx_graph *g, int64_t samples)
{
    dmx_graph *at;
    if (dmx_graph_at(&at, g, samples, NULL) != DMX_OK)
        return;
    check(at);
    const dmx_shape a = dmx_graph_shape_at(g, g->output, samples);
    const dmx_shape b = dmx_graph_shape(at, at->output);
    if (at->any_length || !dmx_shape_same(&a, &b))
        abort();
    dmx_graph_close(at);
}

static void fuzz_builders(bytes *b)
{
    dmx_graph *g = dmx_graph_open();
    if (g == NULL)
        return;
    const int64_t channels = number(b), samples = take(b, 3);
    if ((samples & 1) != 0)
        dmx_graph_input_any(g, channels);
    else
        dmx_graph_input(g, channels, samples);
    for (int i = 0; i < 200 && b->size > 0; i++) {
        one_call(g, b);
        check(g);
        /* Continues: an error must not corrupt the graph so far. */
        g->error = (dmx_error)DMX_ERROR_INIT;
    }
    if (g->n_value > 0)
        dmx_graph_output(g, (dmx_value)(g->n_value - 1));
    dmx_graph_prune(g);
    check(g);
    if (g->any_length && g->output >= 0 && g->input >= 0)
        check_at(g, samples + 1);
    dmx_graph_close(g);
}

enum { CHECKPOINTS = 5 };

static dmx_checkpoint *real_checkpoint(int64_t which)
{
    static const char *const file[CHECKPOINTS] = {
        "htdemucs/model.th", "family/hdemucs_odd/model.th",
        "family/demucs_odd/model.th", "quantized/demucs_q8/model.th",
        "quantized/hdemucs_q_float16/model.th"};
    static dmx_checkpoint *open[CHECKPOINTS];
    const char *folder = getenv("DMX_TEST_DATA");
    dmx_checkpoint **c = &open[which % CHECKPOINTS];
    char path[1024];
    if (*c != NULL)
        return *c;
    snprintf(path, sizeof path, "%s/%s",
             folder != NULL ? folder : DMX_TEST_DATA,
             file[which % CHECKPOINTS]);
    if (dmx_checkpoint_open(c, path, NULL, NULL) != DMX_OK)
        abort();
    return *c;
}

/* The input is a JSON object of arguments over those of the checkpoint; with
 * an odd first byte the checkpoint is a bare state dict. */
static void fuzz_arguments(bytes *b)
{
    const int64_t choice = take(b, 1);
    struct dmx_checkpoint c = *real_checkpoint(choice / 2);
    const bool bare = (choice & 1) != 0;
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
            if (m->graph != NULL)
                check_at(m->graph, m->training_samples);
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
