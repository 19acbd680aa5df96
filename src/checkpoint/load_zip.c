/* torch.save since 1.6: a zip file with <root>/data.pkl and <root>/data/<key>.
 * Source: torch/serialization.py, caffe2/serialize/inline_container.cc. */
#include "checkpoint/bytes.h"
#include "checkpoint/load.h"

#include <string.h>

static const char pickle_name[] = "data.pkl";

static bool ends_with(const dmx_zip_entry *e, const char *text)
{
    const size_t n = strlen(text);
    return e->name_size >= n &&
           memcmp(e->name + e->name_size - n, text, n) == 0;
}

/* A model file inside an additional zip file, or NULL. */
static const dmx_zip_entry *find_model(const dmx_zip *zip)
{
    static const char *const endings[] = {
        ".th", ".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".onnx"};
    for (size_t i = 0; i < zip->n_entry; i++)
        for (size_t k = 0; k < sizeof endings / sizeof endings[0]; k++)
            if (ends_with(&zip->entry[i], endings[k]))
                return &zip->entry[i];
    return NULL;
}

static dmx_status no_pickle(const dmx_load *load)
{
    char shown[128];
    const dmx_zip_entry *e = find_model(&load->zip);
    DMX_RETURN_IF(e != NULL, load->err, DMX_ERROR_FORMAT,
                  "a zip around %s: unzip it first",
                  dmx_text_show(shown, sizeof shown, e->name, e->name_size));
    DMX_RETURN_ERROR(load->err, DMX_ERROR_FORMAT,
                     "zip file without data.pkl: not saved by torch.save");
}

/* Finds "data.pkl" in any folder, and that folder's name. */
static dmx_status find_pickle(dmx_zip_entry **out, dmx_load *load)
{
    dmx_zip_entry *found = NULL;
    const size_t n = sizeof pickle_name - 1;
    for (size_t i = 0; i < load->zip.n_entry; i++) {
        dmx_zip_entry *e = &load->zip.entry[i];
        if (!ends_with(e, pickle_name) ||
            (e->name_size > n && e->name[e->name_size - n - 1] != '/'))
            continue;
        DMX_RETURN_IF(found != NULL, load->err, DMX_ERROR_FORMAT,
                      "zip file with more than one data.pkl");
        found = e;
    }
    if (found == NULL)
        return no_pickle(load);
    load->root = found->name;
    load->root_size = found->name_size - n;
    *out = found;
    return DMX_OK;
}

/* The entry <root>/<name>, or NULL. */
static dmx_zip_entry *in_root(const dmx_load *load, const char *name,
                              size_t size)
{
    char path[1024];
    if (size > sizeof path || load->root_size > sizeof path - size)
        return NULL;
    memcpy(path, load->root, load->root_size);
    memcpy(path + load->root_size, name, size);
    return dmx_zip_find(&load->zip, path, load->root_size + size);
}

static dmx_status check_byte_order(dmx_load *load)
{
    static const char name[] = "byteorder";
    dmx_zip_entry *e = in_root(load, name, sizeof name - 1);
    if (e == NULL)
        return DMX_OK;
    DMX_FORWARD(dmx_zip_use(e, load->err));
    const unsigned char *text = NULL;
    const size_t shown = e->size < 6 ? e->size : 6;
    DMX_FORWARD(
        dmx_image_view(&text, &load->image, e->offset, shown, load->err));
    DMX_RETURN_IF(e->size != 6 || memcmp(text, "little", 6) != 0, load->err,
                  e->size == 3 && memcmp(text, "big", 3) == 0
                      ? DMX_ERROR_UNSUPPORTED
                      : DMX_ERROR_FORMAT,
                  "byteorder is not \"little\": a checkpoint of a big-endian "
                  "machine can't be read");
    return DMX_OK;
}

static dmx_status refuse_torchscript(dmx_load *load)
{
    static const char name[] = "constants.pkl";
    DMX_RETURN_IF(in_root(load, name, sizeof name - 1) != NULL, load->err,
                  DMX_ERROR_UNSUPPORTED,
                  "a TorchScript program, not a checkpoint; save the model's "
                  "state_dict() instead");
    return DMX_OK;
}

static dmx_status locate(size_t *offset, size_t *size, dmx_load *load,
                         const dmx_storage *storage)
{
    char name[128] = "data/", shown[64];
    const size_t prefix = strlen(name);
    dmx_zip_entry *e = NULL;
    if (storage->key_size < sizeof name - prefix) {
        memcpy(name + prefix, storage->key, storage->key_size);
        e = in_root(load, name, prefix + storage->key_size);
    }
    if (e == NULL)
        return dmx_fail_at(load->err, DMX_ERROR_FORMAT, (int64_t)storage->at,
                           "storage data/%s is missing from the zip file",
                           dmx_text_show(shown, sizeof shown, storage->key,
                                         storage->key_size));
    DMX_FORWARD(dmx_zip_use(e, load->err));
    *offset = e->offset;
    *size = e->size;
    return DMX_OK;
}

/* One that is too large is not even read: then the machine says so. */
static dmx_status run_pickle(dmx_pickled **top, dmx_load *load,
                             const dmx_zip_entry *e)
{
    const unsigned char *text = NULL;
    const size_t wanted = e->size > DMX_PICKLE_MAX_BYTES ? 0 : e->size;
    size_t at = 0;
    DMX_FORWARD(
        dmx_image_view(&text, &load->image, e->offset, wanted, load->err));
    load->pickle.base = e->offset;
    return dmx_pickle_run(top, &load->pickle, text, &at, e->size, load->err);
}

dmx_status dmx_load_zip(dmx_load *load)
{
    load->checkpoint->container = DMX_CONTAINER_ZIP;
    DMX_FORWARD(dmx_zip_open(&load->zip, &load->image, load->err));
    dmx_zip_entry *e = NULL;
    DMX_FORWARD(find_pickle(&e, load));
    DMX_FORWARD(refuse_torchscript(load));
    DMX_FORWARD(check_byte_order(load));
    DMX_FORWARD(dmx_zip_use(e, load->err));
    DMX_FORWARD(dmx_zip_check(&load->zip, e, load->err));
    dmx_pickled *top = NULL;
    DMX_FORWARD(run_pickle(&top, load, e));
    load->checkpoint->pickle_protocol = load->pickle.protocol;
    return dmx_load_package(load, top, locate);
}
