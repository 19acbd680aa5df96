#include "verify/report.h"

#include <cJSON.h>
#include <math.h>
#include <stdlib.h>

/* JSON has no infinity: an SNR without any difference is null. */
static void add_number(cJSON *object, const char *key, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(object, key, value);
    else
        cJSON_AddNullToObject(object, key);
}

static void add_parity(cJSON *list, const dmx_parity *p)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "signal", p->signal);
    cJSON_AddStringToObject(o, "source", p->source);
    cJSON_AddBoolToObject(o, "passed", p->passed);
    add_number(o, "reference_peak", p->peak);
    add_number(o, "max_abs_difference", p->max_difference);
    add_number(o, "relative_to_peak", p->relative);
    add_number(o, "snr_db", p->snr);
    cJSON_AddNumberToObject(o, "worst_channel", (double)p->channel);
    cJSON_AddNumberToObject(o, "worst_sample", (double)p->sample);
    cJSON_AddItemToArray(list, o);
}

static void add_divergence(cJSON *list, const dmx_divergence *d)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "module", d->path);
    cJSON_AddStringToObject(o, "operation", d->op);
    cJSON_AddStringToObject(o, "value", d->node);
    add_number(o, "relative_difference", d->relative);
    cJSON_AddItemToArray(list, o);
}

static void add_model(cJSON *root, const struct dmx_report *r)
{
    cJSON *o = cJSON_AddObjectToObject(root, "model");
    cJSON_AddStringToObject(o, "path", r->path);
    cJSON_AddStringToObject(o, "sha256", r->sha256);
    cJSON_AddNumberToObject(o, "bytes", (double)r->bytes);
    cJSON_AddNumberToObject(o, "opset", (double)r->opset);
    cJSON_AddNumberToObject(o, "ir_version", (double)r->ir_version);
    cJSON_AddNumberToObject(o, "nodes", (double)r->nodes);
    if (r->checkpoint_sha256 != NULL)
        cJSON_AddStringToObject(root, "checkpoint_sha256",
                                r->checkpoint_sha256);
}

static void add_tools(cJSON *root, const struct dmx_report *r)
{
    cJSON_AddStringToObject(root, "demucs_onnx", dmx_version());
    cJSON_AddBoolToObject(root, "onnx_checker", r->checker_ran);
    if (r->runtime_version != NULL) {
        cJSON_AddStringToObject(root, "onnxruntime", r->runtime_version);
        cJSON_AddStringToObject(root, "provider", r->provider);
    }
}

char *dmx_report_json(const struct dmx_report *r)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddBoolToObject(root, "passed", !r->failed);
    add_model(root, r);
    add_tools(root, r);
    cJSON_AddNumberToObject(root, "tolerance", r->tolerance);
    cJSON *parity = cJSON_AddArrayToObject(root, "parity");
    for (size_t i = 0; i < r->n_parity; i++)
        add_parity(parity, &r->parity[i]);
    cJSON *findings = cJSON_AddArrayToObject(root, "findings");
    for (size_t i = 0; i < r->n_finding; i++)
        cJSON_AddItemToArray(findings, cJSON_CreateString(r->finding[i]));
    cJSON *divergences = cJSON_AddArrayToObject(root, "divergences");
    for (size_t i = 0; i < r->n_divergence; i++)
        add_divergence(divergences, &r->divergence[i]);
    cJSON *seconds = cJSON_AddObjectToObject(root, "seconds");
    for (size_t i = 0; i < r->n_timing; i++)
        cJSON_AddNumberToObject(seconds, r->timing[i].stage,
                                r->timing[i].seconds);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    return text;
}
