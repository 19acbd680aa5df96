/* The zip container of torch.save: stored entries in one file image. */
#ifndef DMX_CHECKPOINT_ZIP_H
#define DMX_CHECKPOINT_ZIP_H

#include "base/source.h"

#include <stdbool.h>

#define DMX_ZIP_MAX_ENTRIES ((uint64_t)100000)

typedef struct dmx_zip_entry {
    const char *name; /* in the image, not terminated */
    size_t name_size;
    size_t header;       /* offset of the local header */
    size_t offset, size; /* the entry's bytes in the image */
    uint64_t packed;     /* size as stored; equals size when not compressed */
    uint32_t crc;        /* CRC-32 according to the directory */
    uint16_t method, flags;
    bool used; /* the entry is read, so its CRC must match */
} dmx_zip_entry;

typedef struct dmx_zip {
    dmx_image image;      /* its bytes are not owned */
    dmx_zip_entry *entry; /* sorted by name */
    size_t n_entry;
} dmx_zip;

/* Reads the central directory (zip64 too) and checks it against every local
 * header: names, methods, sizes, no duplicates, no overlaps. The image's
 * bytes must outlive the zip. */
DMX_MUST_CHECK dmx_status dmx_zip_open(dmx_zip *zip, const dmx_image *image,
                                       dmx_error *err);
void dmx_zip_close(dmx_zip *zip);

/* The entry of that exact name, or NULL. */
dmx_zip_entry *dmx_zip_find(const dmx_zip *zip, const char *name, size_t size);

/* Makes an entry's bytes readable: refuses compressed and encrypted ones and
 * marks the entry used. */
DMX_MUST_CHECK dmx_status dmx_zip_use(dmx_zip_entry *entry, dmx_error *err);

/* Compares one entry's bytes with its CRC-32. */
DMX_MUST_CHECK dmx_status dmx_zip_check(const dmx_zip *zip,
                                        const dmx_zip_entry *entry,
                                        dmx_error *err);

#endif
