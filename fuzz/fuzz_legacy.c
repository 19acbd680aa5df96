/* Legacy files: the magic number is kept, the rest is the input's. */
#include "fuzz_open.h"

#include <string.h>

static const uint8_t start[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46,
                                0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_open(data, size);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    if (size > sizeof start && seed % 8 != 0) {
        size = sizeof start + LLVMFuzzerMutate(data + sizeof start,
                                               size - sizeof start,
                                               max_size - sizeof start);
        memcpy(data, start, sizeof start);
        return size;
    }
    return LLVMFuzzerMutate(data, size, max_size);
}
