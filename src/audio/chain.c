#include "audio/chain.h"
#include "audio/ogg_links.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LINKS 10000

struct dmx_chain {
    int fd, stream, links;
    int64_t size, next; /* where the next link starts; size: there is none */
    char *name;
    dmx_decoder *decoder; /* NULL: of a link that can't be decoded */
    dmx_audio_info info;  /* of the first link */
    int64_t damaged;      /* in the links before */
};

static dmx_status open_link(dmx_chain *c, const dmx_hooks *hooks,
                            dmx_error *err)
{
    const int64_t start = c->next;
    DMX_FORWARD(
        dmx_ogg_link_end(&c->next, c->fd, start, c->size, c->name, err));
    const dmx_span span = {c->fd, start, c->next - start};
    c->links++;
    return dmx_decoder_open(&c->decoder, &span, c->name, c->stream, hooks, err);
}

dmx_status dmx_chain_open(dmx_chain **out, int fd, int64_t size,
                          const char *name, int stream, const dmx_hooks *hooks,
                          dmx_error *err)
{
    *out = NULL;
    dmx_chain *c = calloc(1, sizeof *c);
    DMX_RETURN_IF(c == NULL, err, DMX_ERROR_MEMORY, "%s: no memory", name);
    *c = (dmx_chain){
        .fd = fd, .stream = stream, .size = size, .name = strdup(name)};
    const dmx_status status =
        c->name == NULL ? dmx_fail(err, DMX_ERROR_MEMORY, "%s: no memory", name)
                        : open_link(c, hooks, err);
    if (status != DMX_OK) {
        dmx_chain_close(c);
        return status;
    }
    dmx_decoder_info(c->decoder, &c->info);
    if (c->next < c->size) {
        c->info.frames = -1;
        c->info.exact = 0;
    }
    *out = c;
    return DMX_OK;
}

void dmx_chain_close(dmx_chain *c)
{
    if (c == NULL)
        return;
    dmx_decoder_close(c->decoder);
    free(c->name);
    free(c);
}

void dmx_chain_info(const dmx_chain *c, dmx_audio_info *info)
{
    *info = c->info;
}

dmx_status dmx_chain_tags(const dmx_chain *c, dmx_audio_tags *tags,
                          const dmx_hooks *hooks, dmx_error *err)
{
    return dmx_decoder_tags(c->decoder, tags, hooks, err);
}

/* Opens the next link; one that can't be decoded counts as damage. */
static dmx_status next_link(dmx_chain *c, dmx_error *err)
{
    c->damaged = dmx_chain_damaged(c);
    dmx_decoder_close(c->decoder);
    c->decoder = NULL;
    DMX_RETURN_IF(c->links == MAX_LINKS, err, DMX_ERROR_LIMIT,
                  "%s: more than %d Ogg files joined", c->name, MAX_LINKS);
    dmx_error own = DMX_ERROR_INIT;
    const dmx_status status = open_link(c, NULL, &own);
    if (status == DMX_ERROR_FORMAT || status == DMX_ERROR_UNSUPPORTED) {
        c->damaged++;
        return DMX_OK;
    }
    DMX_RETURN_IF(status != DMX_OK, err, status, "%s", own.message);
    dmx_audio_info info;
    dmx_decoder_info(c->decoder, &info);
    DMX_RETURN_IF(
        info.rate != c->info.rate || info.channels != c->info.channels, err,
        DMX_ERROR_UNSUPPORTED,
        "%s: changes from %d Hz, %d channels to %d Hz, %d channels "
        "on the way; convert it to one format first",
        c->name, c->info.rate, c->info.channels, info.rate, info.channels);
    return DMX_OK;
}

dmx_status dmx_chain_read(dmx_chain *c, float *const *planes, size_t at,
                          size_t capacity, size_t *got, dmx_error *err)
{
    *got = 0;
    for (;;) {
        if (c->decoder != NULL)
            DMX_FORWARD(
                dmx_decoder_read(c->decoder, planes, at, capacity, got, err));
        if (*got > 0 || c->next >= c->size)
            return DMX_OK;
        DMX_FORWARD(next_link(c, err));
    }
}

int64_t dmx_chain_damaged(const dmx_chain *c)
{
    return c->damaged +
           (c->decoder != NULL ? dmx_decoder_damaged(c->decoder) : 0);
}
