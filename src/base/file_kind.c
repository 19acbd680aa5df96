#include "base/file_kind.h"

#include <string.h>

#define START(text) text, sizeof(text) - 1
#define SOUND       "a sound file"
#define XZ                                                                     \
    "\xfd"                                                                     \
    "7zXZ"

static const struct {
    const char *start;
    size_t size, at;
    const char *words;
} kinds[] = {
    {START("version https://git-lfs"), 0,
     "a Git LFS pointer; run git lfs pull"},
    {START("<"), 0, "a web page; download the file itself"},
    {START("\xef\xbb\xbf<"), 0, "a web page; download the file itself"},
    {START("\x1f\x8b"), 0, "compressed with gzip; gunzip it first"},
    {START("\x1f\x9d"), 0, "compressed with compress; uncompress it first"},
    {START(XZ), 0, "compressed with xz; unxz it first"},
    {START("\x5d\0\0"), 0, "compressed with lzma; unlzma it first"},
    {START("\x28\xb5\x2f\xfd"), 0, "compressed with zstd; unzstd it first"},
    {START("\x04\x22\x4d\x18"), 0, "compressed with lz4; unlz4 it first"},
    {START("BZh"), 0, "compressed with bzip2; bunzip2 it first"},
    {START("7z\xbc\xaf\x27\x1c"), 0, "a 7z archive; unpack it first"},
    {START("Rar!\x1a\x07"), 0, "a rar archive; unpack it first"},
    {START("ustar"), 257, "a tar archive; unpack it first"},
    {START("\x89HDF\r\n"), 0, "an HDF5 file"},
    {START("\x93NUMPY"), 0, "a NumPy array"},
    {START("WAVE"), 8, SOUND},
    {START("fLaC"), 0, SOUND},
    {START("ID3"), 0, SOUND},
    {START("OggS"), 0, SOUND},
    {START("{"), 0, "JSON"},
    {START("\x80"), 0, "a plain pickle"},
};

const char *dmx_file_kind(const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (size >= kinds[i].at + kinds[i].size &&
            memcmp(data + kinds[i].at, kinds[i].start, kinds[i].size) == 0)
            return kinds[i].words;
    return NULL;
}
