/* Products of bytes (MatMulInteger): the activations are what one
 * DynamicQuantizeLinear made, and no pair of weights can exceed 16 bits. */
#include "verify/promises_parts.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/precision.h"
#include "onnx/int8.h"

#include <stdlib.h>
#include <string.h>

#define MOST_FINDINGS 10

/* What a name stands for: one of the two. */
typedef struct named {
    const char *name;
    const Onnx__TensorProto *constant;
    const Onnx__NodeProto *quantiser; /* whose first output it is */
} named;

typedef struct names {
    named *item; /* sorted by name */
    size_t count;
} names;

static bool is_op(const Onnx__NodeProto *n, const char *op)
{
    return n->op_type != NULL && strcmp(n->op_type, op) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

/* False: no memory. */
static bool collect(names *all, const Onnx__GraphProto *g)
{
    named *item = calloc(g->n_initializer + g->n_node + 1, sizeof *item);
    size_t count = 0;
    for (size_t i = 0; item != NULL && i < g->n_initializer; i++)
        if (g->initializer[i]->name != NULL)
            item[count++] =
                (named){g->initializer[i]->name, g->initializer[i], NULL};
    for (size_t i = 0; item != NULL && i < g->n_node; i++)
        if (is_op(g->node[i], "DynamicQuantizeLinear") &&
            g->node[i]->n_output == 3)
            item[count++] = (named){g->node[i]->output[0], NULL, g->node[i]};
    if (item != NULL)
        qsort(item, count, sizeof *item, by_name);
    *all = (names){item, count};
    return item != NULL;
}

static named find(const names *all, const char *name)
{
    const named key = {.name = name};
    const named *found =
        bsearch(&key, all->item, all->count, sizeof key, by_name);
    return found != NULL ? *found : (named){.name = NULL};
}

/* ---- weights ------------------------------------------------------------- */
/* Whether t is a matrix of signed bytes, all of them in the file. */
static bool is_byte_matrix(const Onnx__TensorProto *t)
{
    size_t bytes;
    return t != NULL && t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT8 &&
           t->has_raw_data && t->n_dims == 2 && t->dims[0] >= 0 &&
           t->dims[1] >= 0 &&
           !dmx_mul_overflow(&bytes, (size_t)t->dims[0], (size_t)t->dims[1]) &&
           bytes == t->raw_data.len;
}

static bool exceeds(int a, int b)
{
    const bool one_sign = (a < 0) == (b < 0);
    return a == INT8_MIN || b == INT8_MIN ||
           (one_sign && abs(a) + abs(b) > DMX_INT8_PAIR);
}

/* Pairs of neighbours along the inner dimension, which is the first, that a
 * processor may saturate on. */
static size_t pairs_that_saturate(const Onnx__TensorProto *t)
{
    const int8_t *w = (const int8_t *)t->raw_data.data;
    const size_t in = (size_t)t->dims[0], out = (size_t)t->dims[1];
    size_t count = 0;
    for (size_t i = 0; i < in; i += 2)
        for (size_t o = 0; o < out; o++)
            count +=
                exceeds(w[i * out + o], i + 1 < in ? w[(i + 1) * out + o] : 0);
    return count;
}

/* ---- one product --------------------------------------------------------- */
static const char *input(const Onnx__NodeProto *n, size_t i)
{
    return i < n->n_input ? n->input[i] : "";
}

static bool check_weights(dmx_inspection *i, const Onnx__NodeProto *n,
                          const Onnx__TensorProto *t)
{
    const size_t pairs = is_byte_matrix(t) ? pairs_that_saturate(t) : 0;
    if (pairs > 0)
        dmx_inspection_unusual(i,
                               "'%.80s': pairs of weights that saturate on "
                               "processors without VNNI: %zu",
                               n->name, pairs);
    else if (!is_byte_matrix(t))
        dmx_inspection_unusual(i, "'%.80s': its weights are no int8 matrix",
                               n->name);
    return pairs == 0 && is_byte_matrix(t);
}

static bool check_bytes(dmx_inspection *i, const Onnx__NodeProto *n,
                        const Onnx__NodeProto *quantiser)
{
    const bool good = quantiser != NULL &&
                      strcmp(quantiser->output[2], input(n, 2)) == 0 &&
                      input(n, 3)[0] == '\0';
    if (quantiser == NULL)
        dmx_inspection_unusual(
            i, "'%.80s': its activations are not of DynamicQuantizeLinear",
            n->name);
    else if (!good)
        dmx_inspection_unusual(
            i, "'%.80s': a zero point is not of its DynamicQuantizeLinear",
            n->name);
    return good;
}

static size_t check_products(dmx_inspection *i, const names *all)
{
    const Onnx__GraphProto *g = i->file->proto->graph;
    size_t products = 0, bad = 0;
    for (size_t k = 0; k < g->n_node; k++) {
        const Onnx__NodeProto *n = g->node[k];
        if (!is_op(n, "MatMulInteger"))
            continue;
        products++;
        if (bad < MOST_FINDINGS)
            bad += !check_weights(i, n, find(all, input(n, 1)).constant) ||
                   !check_bytes(i, n, find(all, input(n, 0)).quantiser);
    }
    return products;
}

/* ---- metadata ------------------------------------------------------------ */
static bool is_class(const char *name)
{
    for (unsigned c = 0; name != NULL && dmx_int8_class(c) != NULL; c++)
        if (strcmp(name, dmx_int8_class(c)) == 0)
            return true;
    return false;
}

/* 'quantised' names classes of layers, and is of files with such layers. */
static void check_quantised(dmx_inspection *i, bool products)
{
    dmx_json *list = dmx_model_file_json(i->file, "quantised");
    bool good = dmx_json_is_array(list) && dmx_json_count(list) > 0;
    for (const dmx_json *c = dmx_json_item(list, 0); c != NULL; c = c->next)
        good = good && is_class(dmx_json_text_of(c));
    dmx_json_free(list);
    if (products && !good)
        dmx_inspection_unusual(
            i, "metadata 'quantised' does not list which layers are in 8 bits");
    if (!products && dmx_model_file_metadata(i->file, "quantised") != NULL)
        dmx_inspection_unusual(
            i, "metadata 'quantised' is there, but nothing is in 8 bits");
}

static void check_precision(dmx_inspection *i, bool products)
{
    const char *precision = dmx_model_file_metadata(i->file, "precision");
    const bool said =
        precision != NULL &&
        strcmp(precision, dmx_precision_name(DMX_PRECISION_INT8)) == 0;
    if (said != products)
        dmx_inspection_unusual(
            i, "metadata 'precision' is '%.60s', but %s in 8 bits",
            precision != NULL ? precision : "",
            products ? "there are layers" : "nothing is");
    check_quantised(i, products);
}

void dmx_promises_int8(dmx_inspection *i)
{
    names all;
    if (!collect(&all, i->file->proto->graph)) {
        i->status = dmx_fail(i->err, DMX_ERROR_MEMORY, "no memory");
        return;
    }
    const size_t products = check_products(i, &all);
    free(all.item);
    if (i->ours)
        check_precision(i, products > 0);
}
