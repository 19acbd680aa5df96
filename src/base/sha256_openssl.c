#include "base/hash.h"

#include <openssl/evp.h>
#include <stdio.h>

dmx_sha256 *dmx_sha256_open(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        ctx = NULL;
    }
    return (dmx_sha256 *)ctx;
}

void dmx_sha256_update(dmx_sha256 *state, const void *data, size_t size)
{
    EVP_DigestUpdate((EVP_MD_CTX *)state, data, size);
}

void dmx_sha256_finish(dmx_sha256 *state, char hex[DMX_SHA256_HEX])
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    EVP_DigestFinal_ex((EVP_MD_CTX *)state, digest, NULL);
    EVP_MD_CTX_free((EVP_MD_CTX *)state);
    for (int i = 0; i < 32; i++)
        snprintf(hex + (size_t)(2 * i), 3, "%02x", digest[i]);
}
