/* What people really have when a file is not what they say. */
#ifndef DMX_BASE_FILE_KIND_H
#define DMX_BASE_FILE_KIND_H

#include <stddef.h>

/* What a file that starts with these bytes is, and what to do about it ("a web
 * page; download the file itself"); NULL for bytes that tell nothing. */
const char *dmx_file_kind(const unsigned char *data, size_t size);

#endif
