/* Whole zip files. The mutator repairs counts, offsets and checksums, so that
 * changes reach the code behind those checks. */
#include "fuzz_open.h"

#include "checkpoint/bytes.h"

#include <string.h>
#include <zlib.h>

enum { LOCAL = 30, CENTRAL = 46, END = 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_open(data, size);
    return 0;
}

static void put(uint8_t *to, uint64_t value, int width)
{
    for (int i = 0; i < width; i++, value >>= 8)
        to[i] = (uint8_t)value;
}

/* The CRC of one entry, where its sizes make sense. */
static void repair_entry(uint8_t *data, uint8_t *central, size_t end)
{
    const size_t header = dmx_le32(central + 42);
    const size_t size = dmx_le32(central + 24);
    if (header >= end || end - header < LOCAL)
        return;
    uint8_t *local = data + header;
    const size_t skip =
        LOCAL + (size_t)dmx_le16(local + 26) + dmx_le16(local + 28);
    if (skip > end - header || size > end - header - skip)
        return;
    const uint32_t crc = (uint32_t)crc32_z(0, local + skip, size);
    put(central + 16, crc, 4);
    if ((dmx_le16(local + 6) & 8) == 0)
        put(local + 14, crc, 4);
}

/* Records from `at` on; returns how many there are. */
static size_t repair_entries(uint8_t *data, size_t at, size_t end)
{
    size_t count = 0;
    const size_t directory = at;
    while (end - at >= CENTRAL && memcmp(data + at, "PK\1\2", 4) == 0) {
        const uint8_t *p = data + at;
        const size_t length = CENTRAL + (size_t)dmx_le16(p + 28) +
                              dmx_le16(p + 30) + dmx_le16(p + 32);
        if (length > end - at)
            break;
        repair_entry(data, data + at, directory);
        at += length;
        count++;
    }
    return count;
}

static void repair(uint8_t *data, size_t size)
{
    if (size < END || memcmp(data + size - END, "PK\5\6", 4) != 0)
        return;
    const size_t end = size - END;
    for (size_t at = 0; end - at >= CENTRAL; at++)
        if (memcmp(data + at, "PK\1\2", 4) == 0) {
            const size_t count = repair_entries(data, at, end);
            if (dmx_le32(data + end + 16) == UINT32_MAX)
                return; /* zip64: leave its records alone */
            put(data + end + 8, count, 2);
            put(data + end + 10, count, 2);
            put(data + end + 12, end - at, 4);
            put(data + end + 16, at, 4);
            return;
        }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    size = LLVMFuzzerMutate(data, size, max_size);
    if (seed % 8 != 0)
        repair(data, size);
    return size;
}
