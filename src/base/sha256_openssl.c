#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>

/* A context of our own, created once: when out of memory, OpenSSL 3 leaves its
 * default context half initialised and crashes in it, while creating a new one
 * fails cleanly. */
static const EVP_MD *sha256(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static OSSL_LIB_CTX *library;
    static EVP_MD *fetched;
    pthread_mutex_lock(&lock);
    if (library == NULL)
        library = OSSL_LIB_CTX_new();
    if (library != NULL && fetched == NULL)
        fetched = EVP_MD_fetch(library, "SHA256", NULL);
    const EVP_MD *found = fetched;
    pthread_mutex_unlock(&lock);
    return found;
}

dmx_sha256 *dmx_sha256_open(void)
{
    const EVP_MD *digest = sha256();
    EVP_MD_CTX *ctx = digest != NULL ? EVP_MD_CTX_new() : NULL;
    if (ctx != NULL && EVP_DigestInit_ex(ctx, digest, NULL) != 1) {
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
