/* Names, extensions and hashes of files. */
#include "hub/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)

char *dmx_path_join(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

const char *dmx_extension(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return dot != NULL && dot != base ? dot : "";
}

bool dmx_is_model_file(const char *path)
{
    static const char *const known[] = {".th",  ".safetensors", ".onnx", ".pt",
                                        ".pth", ".ckpt",        ".bin"};
    const char *extension = dmx_extension(path);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(extension, known[i]) == 0)
            return true;
    return false;
}

static dmx_status hash_pieces(dmx_sha256 *state, int fd, const char *path,
                              unsigned char *piece, const dmx_hooks *hooks,
                              dmx_error *err)
{
    struct stat st;
    DMX_RETURN_IF(fstat(fd, &st) != 0 || !S_ISREG(st.st_mode), err,
                  DMX_ERROR_IO, "%s: not a regular file", path);
    const double size = st.st_size > 0 ? (double)st.st_size : 1;
    double done = 0;
    for (;;) {
        const ssize_t n = read(fd, piece, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        DMX_RETURN_IF(n < 0, err, DMX_ERROR_IO, "%s: read failed: %s", path,
                      strerror(errno));
        if (n == 0)
            return DMX_OK;
        dmx_sha256_update(state, piece, (size_t)n);
        done += (double)n;
        DMX_FORWARD(dmx_progress(hooks, "check the file's hash",
                                 done < size ? done / size : 1, err));
    }
}

dmx_status dmx_file_sha256(char hex[DMX_SHA256_HEX], const char *path,
                           const dmx_hooks *hooks, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, hex);
    hex[0] = '\0';
    DMX_NEED(err, path);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    DMX_RETURN_IF(fd < 0, err, DMX_ERROR_IO, "%s: %s", path, strerror(errno));
    dmx_sha256 *state = dmx_sha256_open();
    unsigned char *piece = malloc(PIECE);
    dmx_status status = DMX_ERROR_MEMORY;
    if (state != NULL && piece != NULL)
        status = hash_pieces(state, fd, path, piece, hooks, err);
    else
        dmx_fail(err, DMX_ERROR_MEMORY, "%s: no memory", path);
    char digest[DMX_SHA256_HEX] = "";
    if (state != NULL)
        dmx_sha256_finish(state, digest);
    if (status == DMX_OK)
        memcpy(hex, digest, DMX_SHA256_HEX);
    free(piece);
    close(fd);
    return status;
}
