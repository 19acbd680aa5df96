/* SHA-256 of the file and CRC-32 of every entry that is used, side by side:
 * both read the same bytes once, so that a checkpoint opens about as fast as
 * its slowest checksum. */
#include "base/parallel.h"
#include "checkpoint/load.h"

#include <stdlib.h>

typedef struct sums {
    dmx_load *load;
    const dmx_zip_entry **entry; /* the used ones */
    dmx_error *error;            /* of each task; the first one is reported */
} sums;

/* Task 0 is the longest: the hash of everything. */
static void run_task(void *context, size_t index)
{
    sums *s = context;
    dmx_load *load = s->load;
    if (index == 0) {
        const dmx_status status = dmx_sha256_hex(
            load->checkpoint->sha256, load->data, load->size, &s->error[0]);
        (void)status; /* is in error[0] */
    } else {
        const dmx_status status =
            dmx_zip_check(&load->zip, s->entry[index - 1], &s->error[index]);
        (void)status;
    }
}

static size_t collect(const dmx_zip_entry **out, const dmx_zip *zip)
{
    size_t n = 0;
    for (size_t i = 0; i < zip->n_entry; i++)
        if (zip->entry[i].used)
            out[n++] = &zip->entry[i];
    return n;
}

static dmx_status first_error(const sums *s, size_t n, dmx_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (s->error[i].code != DMX_OK) {
            if (err != NULL && err->code == DMX_OK)
                *err = s->error[i];
            return s->error[i].code;
        }
    return DMX_OK;
}

dmx_status dmx_load_sums(dmx_load *load)
{
    const size_t most = load->zip.n_entry + 1;
    sums s = {load, calloc(most, sizeof *s.entry), NULL};
    const size_t n = s.entry != NULL ? 1 + collect(s.entry, &load->zip) : 0;
    s.error = n != 0 ? calloc(n, sizeof *s.error) : NULL;
    dmx_status status;
    if (s.error != NULL) {
        dmx_parallel(0, n, run_task, &s);
        status = first_error(&s, n, load->err);
    } else {
        status =
            dmx_fail(load->err, DMX_ERROR_MEMORY, "no memory for checksums");
    }
    free(s.entry);
    free(s.error);
    return status;
}
