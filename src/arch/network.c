#include "arch/network.h"

#include "base/ratio.h"

#include <stdlib.h>
#include <string.h>

void dmx_network_build(const struct dmx_model *model, int64_t samples,
                       dmx_graph *g, dmx_assemble *assemble)
{
    dmx_weights w;
    dmx_error err = DMX_ERROR_INIT;
    dmx_status status = dmx_weights_open(&w, model->weights, &err);
    if (status == DMX_OK)
        status = assemble(model, samples, &(dmx_builder){g, &w}, &err);
    if (status == DMX_OK && w.n_problem > 0)
        status = dmx_weights_verdict(&w, &err);
    if (status != DMX_OK)
        dmx_graph_fail(g, status, "%s", err.message);
    dmx_weights_close(&w);
    dmx_graph_prune(g);
}

/* Reports weight errors first: a graph error is often only their consequence.
 */
dmx_status dmx_network_check(const struct dmx_model *model,
                             dmx_assemble *assemble, dmx_error *err)
{
    dmx_weights w;
    if (model->shapes_only)
        return DMX_OK;
    DMX_FORWARD(dmx_weights_open(&w, model->weights, err));
    dmx_graph *g = dmx_graph_open();
    dmx_status status =
        g == NULL ? dmx_fail(err, DMX_ERROR_MEMORY, "no memory for the graph")
                  : assemble(model, model->training_samples,
                             &(dmx_builder){g, &w}, err);
    if (status == DMX_OK)
        status = dmx_weights_verdict(&w, err);
    if (status == DMX_OK)
        status = dmx_graph_status(g, err);
    dmx_graph_close(g);
    dmx_weights_close(&w);
    return status;
}

dmx_status dmx_network_sources(struct dmx_model *model, dmx_error *err)
{
    const dmx_json *list = dmx_json_get(model->arguments, "sources");
    const dmx_json *item;
    const dmx_status fault = dmx_argument_fault(model->arguments, "sources");
    model->source =
        calloc((size_t)dmx_json_count(list) + 1, sizeof *model->source);
    DMX_RETURN_IF(model->source == NULL, err, DMX_ERROR_MEMORY, "no memory");
    DMX_JSON_EACH (item, list) {
        DMX_RETURN_IF(
            !dmx_json_is_string(item) || item->valuestring[0] == '\0' ||
                strlen(item->valuestring) > 64,
            err, fault, "a source name is empty, too long or not a string");
        DMX_RETURN_IF(!dmx_is_safe_file_name(item->valuestring), err, fault,
                      "the source '%s' can't be the name of a file: no '/', "
                      "control characters, nor dots and blanks at its ends",
                      item->valuestring);
        char *name = strdup(item->valuestring);
        DMX_RETURN_IF(name == NULL, err, DMX_ERROR_MEMORY, "no memory");
        model->source[model->n_source++] = name;
    }
    return DMX_OK;
}

/* int(segment * samplerate): exact for a Fraction, in double for a float. */
dmx_status dmx_network_segment(struct dmx_model *model, dmx_error *err)
{
    const dmx_json *a = model->arguments;
    const dmx_json *item = dmx_json_get(a, "segment");
    double seconds;
    DMX_FORWARD(dmx_argument_int(&model->samplerate, a, "samplerate", 1000,
                                 768000, err));
    DMX_FORWARD(
        dmx_argument_seconds(model->segment, &seconds, a, "segment", err));
    if (dmx_json_is_number(item))
        model->training_samples =
            (int64_t)(seconds * (double)model->samplerate);
    else
        model->training_samples =
            dmx_ratio_samples(model->segment, model->samplerate);
    DMX_RETURN_IF(model->training_samples < 1, err,
                  dmx_argument_fault(a, "segment"),
                  "argument segment = %lld/%lld is no duration that holds "
                  "a sample",
                  (long long)model->segment[0], (long long)model->segment[1]);
    model->free_length = dmx_json_get(a, "use_train_segment") == NULL;
    if (model->free_length)
        return DMX_OK; /* this class accepts any length */
    return dmx_argument_bool(&model->use_train_segment, a, "use_train_segment",
                             err);
}
