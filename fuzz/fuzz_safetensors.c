/* Safetensors files. The mutator makes the length in front fit the header, so
 * that insertions in the JSON stay JSON. */
#include "fuzz_open.h"

enum { LENGTH = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_open(data, size);
    return 0;
}

/* The header ends with its outermost brace. */
static size_t header_size(const uint8_t *data, size_t size)
{
    size_t level = 0;
    int quoted = 0;
    for (size_t i = LENGTH; i < size; i++) {
        if (quoted && data[i] == '\\')
            i++;
        else if (data[i] == '"')
            quoted = !quoted;
        else if (!quoted && data[i] == '{')
            level++;
        else if (!quoted && data[i] == '}' && (level == 0 || --level == 0))
            return i + 1 - LENGTH;
    }
    return size - LENGTH;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size > LENGTH && seed % 8 != 0) {
        const size_t header = header_size(data, size);
        for (int i = 0; i < LENGTH; i++)
            data[i] = (uint8_t)((uint64_t)header >> (8 * i));
    }
    return size;
}
