/* SHA-256 of the file, CRC-32 of every used entry, and the check that every
 * weight is finite, in parallel: all read the same bytes once, so a checkpoint
 * opens about as fast as its slowest checksum. */
#include "base/parallel.h"
#include "checkpoint/finite.h"
#include "checkpoint/load.h"

#include <stdlib.h>

typedef struct sums {
    dmx_load *load;
    const dmx_zip_entry **entry; /* the used ones */
    size_t n_entry;
    dmx_error *error; /* of the hash and the entries; the first is reported */
    unsigned char *wrong; /* per tensor: it has elements that are not finite */
} sums;

/* Task 0 is the longest: the hash of the whole file. */
static void run_task(void *context, size_t index)
{
    sums *s = context;
    dmx_load *load = s->load;
    dmx_status status = DMX_OK;
    size_t at;
    double value;
    if (index == 0)
        status = dmx_sha256_hex(load->checkpoint->sha256, load->data,
                                load->size, &s->error[0]);
    else if (index <= s->n_entry)
        status =
            dmx_zip_check(&load->zip, s->entry[index - 1], &s->error[index]);
    else
        s->wrong[index - 1 - s->n_entry] = dmx_tensor_nonfinite(
            &at, &value, &load->checkpoint->tensor[index - 1 - s->n_entry]);
    (void)status; /* already in error[index] */
}

static size_t collect(const dmx_zip_entry **out, const dmx_zip *zip)
{
    size_t n = 0;
    for (size_t i = 0; i < zip->n_entry; i++)
        if (zip->entry[i].used)
            out[n++] = &zip->entry[i];
    return n;
}

static dmx_status first_error(const sums *s, dmx_error *err)
{
    for (size_t i = 0; i <= s->n_entry; i++)
        if (s->error[i].code != DMX_OK) {
            if (err != NULL && err->code == DMX_OK)
                *err = s->error[i];
            return s->error[i].code;
        }
    return DMX_OK;
}

/* Reports the first such weight, in file order. */
static dmx_status first_wrong(const sums *s, dmx_error *err)
{
    const struct dmx_checkpoint *c = s->load->checkpoint;
    size_t at, wrong = 0, first = c->n_tensor;
    double value;
    dmx_tensor here;
    void *bytes;
    for (size_t i = c->n_tensor; i-- > 0;)
        if (s->wrong[i] != 0) {
            first = i;
            wrong++;
        }
    if (first == c->n_tensor)
        return DMX_OK;
    DMX_FORWARD(dmx_tensor_fetch(&here, &bytes, &c->tensor[first], err));
    const bool again = dmx_tensor_nonfinite(&at, &value, &here);
    free(bytes);
    if (!again)
        return DMX_OK;
    DMX_RETURN_ERROR(err, DMX_ERROR_MODEL,
                     "weight %s is not finite (number %zu of it is %g; %zu of "
                     "%zu weights have such numbers): the training diverged "
                     "or the file is damaged; use an earlier checkpoint",
                     c->tensor[first].name, at, value, wrong, c->n_tensor);
}

/* ---- where bytes come by ranges: one after another ---------------------- */

static void add_hash(void *hash, const unsigned char *data, size_t size)
{
    dmx_sha256_update(hash, data, size);
}

static dmx_status hash_image(dmx_load *load)
{
    dmx_sha256 *hash = dmx_sha256_open();
    DMX_RETURN_IF(hash == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for a checksum");
    const dmx_status status =
        dmx_image_each(&load->image, 0, load->size, add_hash, hash, load->err);
    dmx_sha256_finish(hash, load->checkpoint->sha256);
    return status;
}

static dmx_status look_at(sums *s, size_t tensor)
{
    dmx_load *load = s->load;
    dmx_tensor here;
    void *bytes;
    size_t at;
    double value;
    DMX_FORWARD(dmx_tensor_fetch(&here, &bytes,
                                 &load->checkpoint->tensor[tensor], load->err));
    const bool wrong = dmx_tensor_nonfinite(&at, &value, &here);
    s->wrong[tensor] = wrong;
    free(bytes);
    return DMX_OK;
}

static dmx_status run_ranges(sums *s)
{
    dmx_load *load = s->load;
    DMX_FORWARD(hash_image(load));
    for (size_t i = 0; i < s->n_entry; i++)
        DMX_FORWARD(dmx_zip_check(&load->zip, s->entry[i], load->err));
    for (size_t i = 0; i < load->checkpoint->n_tensor; i++)
        DMX_FORWARD(look_at(s, i));
    return first_wrong(s, load->err);
}

static dmx_status run_all(sums *s)
{
    dmx_load *load = s->load;
    const size_t n = 1 + s->n_entry + load->checkpoint->n_tensor;
    DMX_RETURN_IF(s->error == NULL || s->wrong == NULL, load->err,
                  DMX_ERROR_MEMORY, "no memory for checksums");
    if (load->data == NULL)
        return run_ranges(s);
    dmx_parallel(0, n, run_task, s);
    DMX_FORWARD(first_error(s, load->err));
    return first_wrong(s, load->err);
}

dmx_status dmx_load_sums(dmx_load *load)
{
    sums s = {.load = load};
    s.entry = calloc(load->zip.n_entry + 1, sizeof *s.entry);
    if (s.entry != NULL) {
        s.n_entry = collect(s.entry, &load->zip);
        s.error = calloc(s.n_entry + 1, sizeof *s.error);
        s.wrong = calloc(load->checkpoint->n_tensor + 1, 1);
    }
    const dmx_status status = run_all(&s);
    free(s.entry);
    free(s.error);
    free(s.wrong);
    return status;
}
