/* Pickles, in a zip file that is right by construction: data.pkl is the input,
 * storages "0" to "9" have 4 KiB each. */
#include "fuzz_open.h"

#include "checkpoint_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char numbers[4096];
    zip_writer z = {0};
    zip_add(&z, "m/data.pkl", data, size);
    for (char key = '0'; key <= '9'; key++) {
        char name[] = "m/data/?";
        name[sizeof name - 2] = key;
        zip_add(&z, name, numbers, sizeof numbers);
    }
    zip_end(&z);
    fuzz_open(z.file.data, z.file.size);
    zip_free(&z);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size >= 3 && seed % 8 != 0) {
        data[0] = 0x80;
        data[1] = (uint8_t)(2 + seed / 8 % 4);
        data[size - 1] = '.';
    }
    return size;
}
