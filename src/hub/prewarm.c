/* Exported models in the cache, under keys that rule out stale ones. */
#include "hub/hub.h"

#include "base/options.h"

#include "base/file.h"
#include "base/output.h"
#include "hub/cache.h"
#include "hub/repository.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_TEXT 2048

static dmx_status no_memory(dmx_error *err)
{
    return dmx_fail(err, DMX_ERROR_MEMORY, "no memory");
}

/* The signal-to-noise ratio that decides what an int8 export quantises; -1:
 * nothing is compared. */
static dmx_status wanted_ratio(double *out, const dmx_export_options *o,
                               dmx_error *err)
{
    dmx_verify_options checks = DMX_VERIFY_OPTIONS_INIT;
    *out = 0;
    if (o->precision != DMX_PRECISION_INT8)
        return DMX_OK;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&checks, o->checks, dmx_verify_options, err));
    *out = checks.skip_parity ? -1 : checks.min_snr;
    return DMX_OK;
}

/* Everything that the bytes of an export depend on, as text. */
static dmx_status describe(char text[KEY_TEXT], const char *checkpoint_sha256,
                           const char *config_sha256,
                           const dmx_export_options *o, dmx_error *err)
{
    double ratio;
    DMX_FORWARD(wanted_ratio(&ratio, o, err));
    int used = snprintf(
        text, KEY_TEXT,
        "demucs-onnx %s\n%s\nsamples %lld opset %d precision "
        "%d prune %d dynamic %d batch %lld ratio %g\nstem %s\n%s",
        dmx_version(), checkpoint_sha256, (long long)o->samples, o->opset,
        (int)o->precision, o->prune != 0, o->dynamic, (long long)o->batch,
        ratio, o->stem != NULL ? o->stem : "", config_sha256);
    for (size_t i = 0; o->stems != NULL && o->stems[i] != NULL; i++)
        if (used > 0 && used < KEY_TEXT)
            used += snprintf(text + used, KEY_TEXT - (size_t)used, "%s\n",
                             o->stems[i]);
    DMX_RETURN_IF(used < 0 || used >= KEY_TEXT, err, DMX_ERROR_ARGUMENT,
                  "too many stems");
    return DMX_OK;
}

/* "<cache>/exports/<signature>-<key>.onnx"; malloc'd. */
static dmx_status export_path(char **path, const dmx_hub *hub,
                              const char *checkpoint, const char *signature,
                              const char *config, const dmx_export_options *o,
                              dmx_error *err)
{
    char hash[DMX_SHA256_HEX], key[DMX_SHA256_HEX], text[KEY_TEXT];
    char arguments[DMX_SHA256_HEX] = "";
    char name[DMX_FILE_NAME_SIZE];
    DMX_FORWARD(dmx_file_sha256(hash, checkpoint, hub->hooks, err));
    if (config != NULL)
        DMX_FORWARD(dmx_file_sha256(arguments, config, hub->hooks, err));
    DMX_FORWARD(describe(text, hash, arguments, o, err));
    DMX_FORWARD(dmx_sha256_hex(key, text, strlen(text), err));
    dmx_safe_file_name(name, signature, 128);
    const size_t size = strlen(hub->cache) + strlen(name) + 80;
    *path = malloc(size);
    if (*path == NULL)
        return no_memory(err);
    snprintf(*path, size, "%s/exports/%s-%.32s.onnx", hub->cache, name, key);
    return DMX_OK;
}

/* "<path>.sha256"; malloc'd. */
static char *sum_path(const char *path)
{
    const size_t size = strlen(path) + sizeof ".sha256";
    char *text = malloc(size);
    if (text != NULL)
        snprintf(text, size, "%s.sha256", path);
    return text;
}

/* Whether the export exists and has the SHA-256 recorded beside it. */
static dmx_status is_good(bool *good, const dmx_hub *hub, const char *path,
                          dmx_error *err)
{
    *good = false;
    char *beside = sum_path(path);
    if (beside == NULL)
        return no_memory(err);
    dmx_blob blob;
    dmx_status status = DMX_OK;
    if (access(path, R_OK) == 0 &&
        dmx_file_read(&blob, beside, 100, NULL) == DMX_OK) {
        char *recorded = (char *)blob.data; /* zero-terminated */
        recorded[strcspn(recorded, "\n")] = '\0';
        if (strlen(recorded) == 64)
            status = dmx_hub_check_hash(good, path, recorded, hub->hooks, err);
        dmx_blob_free(&blob);
    }
    free(beside);
    return status;
}

static dmx_status record(const char *path, const dmx_hooks *hooks,
                         dmx_error *err)
{
    char line[DMX_SHA256_HEX + 1];
    DMX_FORWARD(dmx_file_sha256(line, path, hooks, err));
    strcat(line, "\n");
    char *beside = sum_path(path);
    if (beside == NULL)
        return no_memory(err);
    dmx_output out;
    dmx_status status = dmx_output_open(&out, beside, err);
    if (status == DMX_OK) {
        status = dmx_output_write(&out, line, strlen(line), err);
        if (status == DMX_OK)
            status = dmx_output_commit(&out, NULL, err);
        else
            dmx_output_abandon(&out);
    }
    free(beside);
    return status;
}

static dmx_status export_checkpoint(const char *path, const char *checkpoint,
                                    const char *config,
                                    const dmx_export_options *o, dmx_error *err)
{
    dmx_checkpoint_options c = DMX_CHECKPOINT_OPTIONS_INIT;
    dmx_model_options m = DMX_MODEL_OPTIONS_INIT;
    dmx_checkpoint *file;
    dmx_model *model = NULL;
    c.hooks = o->hooks;
    m.hooks = o->hooks;
    m.config_path = config;
    DMX_FORWARD(dmx_checkpoint_open(&file, checkpoint, &c, err));
    dmx_status status = dmx_model_open(&model, file, &m, err);
    if (status == DMX_OK)
        status = dmx_export(model, path, o, NULL, err);
    dmx_model_close(model);
    dmx_checkpoint_close(file);
    return status == DMX_OK ? record(path, o->hooks, err) : status;
}

/* Exports under the lock; another process may have done so while this one
 * waited. */
static dmx_status export_locked(const dmx_hub *hub, const char *path,
                                const char *checkpoint, const char *config,
                                const dmx_export_options *o, dmx_error *err)
{
    dmx_lock lock;
    bool good;
    char *folder = dmx_path_join(hub->cache, "exports");
    if (folder == NULL)
        return no_memory(err);
    dmx_status status = dmx_make_folders(folder, err);
    free(folder);
    DMX_FORWARD(status);
    DMX_FORWARD(dmx_lock_take(&lock, path, hub->hooks, err));
    status = is_good(&good, hub, path, err);
    if (status == DMX_OK && !good)
        status = export_checkpoint(path, checkpoint, config, o, err);
    dmx_lock_release(&lock);
    return status;
}

/* Creates the export if it is missing and `make` is set; the member's path then
 * becomes that of its export. */
static dmx_status use_export(dmx_hub *hub, struct dmx_bag *bag, size_t m,
                             const dmx_export_options *o, bool make,
                             dmx_error *err)
{
    const char *checkpoint = bag->path[m];
    if (strcmp(dmx_extension(checkpoint), ".onnx") == 0)
        return DMX_OK;
    char *path;
    bool good;
    DMX_FORWARD(export_path(&path, hub, checkpoint, bag->signature[m],
                            bag->config, o, err));
    dmx_status status = is_good(&good, hub, path, err);
    if (status == DMX_OK && !good && make) {
        status = export_locked(hub, path, checkpoint, bag->config, o, err);
        good = status == DMX_OK;
    }
    if (good) {
        bag->path[m] = dmx_arena_strndup(&bag->arena, path, strlen(path));
        if (bag->path[m] == NULL)
            status = no_memory(err);
    }
    free(path);
    return status;
}

static dmx_status use_exports(dmx_hub *hub, struct dmx_bag *bag,
                              const dmx_export_options *o, bool make,
                              dmx_error *err)
{
    if (make)
        DMX_FORWARD(dmx_hub_need_cache(hub, err));
    else if (hub->cache == NULL)
        return DMX_OK;
    for (size_t m = 0; m < bag->n_member; m++)
        DMX_FORWARD(use_export(hub, bag, m, o, make, err));
    return DMX_OK;
}

dmx_status dmx_hub_use_exports(dmx_bag *bag, dmx_hub *hub, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, bag);
    DMX_NEED(err, hub);
    const dmx_export_options o = DMX_EXPORT_OPTIONS_INIT;
    return use_exports(hub, bag, &o, false, err);
}

dmx_status dmx_hub_prewarm(dmx_bag **out, dmx_hub *hub, const char *name,
                           const dmx_export_options *options, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, hub);
    DMX_NEED(err, name);
    dmx_export_options o = DMX_EXPORT_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_export_options, err));
    DMX_FORWARD(dmx_hub_need_cache(hub, err));
    DMX_FORWARD(dmx_hub_runnable(hub, name, err));
    DMX_FORWARD(dmx_hub_resolve(out, hub, name, NULL, err));
    const dmx_status status = use_exports(hub, *out, &o, true, err);
    if (status != DMX_OK) {
        dmx_bag_close(*out);
        *out = NULL;
    }
    return status;
}
