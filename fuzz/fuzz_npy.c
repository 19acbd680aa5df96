/* .npy files: every number that the shape announces can be read. */
#include "fuzz_file.h"

#include "fuzz_open.h"

#include "verify/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void require(int promise)
{
    if (!promise)
        abort();
}

static void read_all(const dmx_npy *npy)
{
    size_t count = 1;
    for (int i = 0; i < npy->rank; i++)
        count *= (size_t)npy->dim[i];
    require(npy->rank <= DMX_NPY_RANK);
    require(count * sizeof(float) <= npy->file.size);
    volatile float last = 0;
    for (size_t i = 0; i < count; i++)
        last = npy->data[i];
    (void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const int fd = fuzz_file(path, data, size);
    dmx_npy npy;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status = dmx_npy_open(&npy, path, &err);
    close(fd);
    require(status == err.code);
    require((status == DMX_OK) == (err.message[0] == '\0'));
    if (status != DMX_OK)
        return 0;
    read_all(&npy);
    dmx_npy_close(&npy);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    (void)seed;
    return LLVMFuzzerMutate(data, size, max_size);
}
