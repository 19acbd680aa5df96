/* --shard I/N: selects this process's songs from the list. Every process sees
 * the whole list and computes the same division. */
#include "separate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SHARDS = 1000000 };

/* Assumed length, in seconds, of a song whose file does not state it. */
#define USUAL_LENGTH 240.0

/* The cost of opening a song and creating its files, in seconds of sound. */
#define OVERHEAD 0.1

uint64_t separate_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *p = text; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
    /* The finaliser of MurmurHash3, so that all bits count modulo N. */
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
    return hash ^ hash >> 33;
}

static bool read_number(const char **p, long *out)
{
    char *end;
    if (!isdigit((unsigned char)**p))
        return false;
    *out = strtol(*p, &end, 10);
    *p = end;
    return *out <= MOST_SHARDS;
}

int separate_shard_parse(long shard[2], cli_terminal *t,
                         const separate_options *o)
{
    shard[0] = 0;
    shard[1] = 1;
    if (o->shard == NULL)
        return o->balance
                   ? cli_misuse(t, "separate", "--balance belongs to --shard")
                   : CLI_DONE;
    const char *p = o->shard;
    if (read_number(&p, &shard[0]) && *p++ == '/' &&
        read_number(&p, &shard[1]) && *p == '\0' && shard[0] < shard[1])
        return CLI_DONE;
    return cli_misuse(t, "separate",
                      "--shard %s: give I/N with I from 0 to N-1, for example "
                      "0/8 to 7/8",
                      o->shard);
}

/* ---------------------------------------------------------------- balance */

typedef struct weighed {
    double seconds;
    uint64_t hash;
    size_t song;
} weighed;

/* A song that can't be opened takes no time. */
static double length_of(const char *path)
{
    dmx_sound *sound;
    dmx_sound_info info = DMX_SOUND_INFO_INIT;
    if (dmx_sound_open(&sound, path, NULL, NULL) != DMX_OK)
        return 0;
    dmx_sound_about(sound, &info);
    dmx_sound_close(sound);
    return info.frames >= 0 && info.rate > 0 ? (double)info.frames / info.rate
                                             : USUAL_LENGTH;
}

/* The longest first; the order does not depend on that of the list. */
static int longest_first(const void *a, const void *b)
{
    const weighed *x = a, *y = b;
    if (x->seconds != y->seconds)
        return x->seconds > y->seconds ? -1 : 1;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->song < y->song ? -1 : x->song > y->song;
}

/* A heap of shards with the least loaded on top; among equals, the one with the
 * lower number. */
typedef struct load {
    double seconds;
    long shard;
} load;

static bool less(const load *a, const load *b)
{
    return a->seconds != b->seconds ? a->seconds < b->seconds
                                    : a->shard < b->shard;
}

static void sift_down(load *heap, size_t count)
{
    for (size_t i = 0, child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && less(&heap[child + 1], &heap[child]))
            child++;
        if (!less(&heap[child], &heap[i]))
            return;
        const load swapped = heap[i];
        heap[i] = heap[child];
        heap[child] = swapped;
    }
}

/* Assigns each song to the shard with the least load so far. */
static void assign_songs(bool *mine, weighed *song, size_t count, load *heap,
                         const long shard[2])
{
    for (long i = 0; i < shard[1]; i++)
        heap[i] = (load){0, i};
    qsort(song, count, sizeof *song, longest_first);
    for (size_t i = 0; i < count; i++) {
        mine[song[i].song] = heap[0].shard == shard[0];
        heap[0].seconds += song[i].seconds + OVERHEAD;
        sift_down(heap, (size_t)shard[1]);
    }
}

static bool balance(separate_run *r, const long shard[2])
{
    const separate_songs *s = r->songs;
    weighed *song = calloc(s->count + 1, sizeof *song);
    load *heap = calloc((size_t)shard[1], sizeof *heap);
    const bool good = song != NULL && heap != NULL;
    for (size_t i = 0; good && i < s->count && !cli_interrupted(); i++)
        song[i] =
            (weighed){length_of(s->path[i]), separate_hash(s->path[i]), i};
    if (good)
        assign_songs(s->mine, song, s->count, heap, shard);
    free(heap);
    free(song);
    return good;
}

int separate_shard_choose(separate_run *r)
{
    long shard[2];
    const int code = separate_shard_parse(shard, r->t, r->o);
    separate_songs *s = r->songs;
    if (code != CLI_DONE || r->o->shard == NULL)
        return code;
    s->mine = calloc(s->count + 1, sizeof *s->mine);
    bool good = s->mine != NULL;
    if (good && r->o->balance)
        good = balance(r, shard);
    for (size_t i = 0; good && !r->o->balance && i < s->count; i++)
        s->mine[i] = separate_hash(s->path[i]) % (uint64_t)shard[1] ==
                     (uint64_t)shard[0];
    if (good)
        return CLI_DONE;
    cli_error(r->t, "no memory for the list of songs");
    return CLI_FAILED;
}

void separate_shard_keep(separate_run *r)
{
    separate_songs *s = r->songs;
    if (s->mine == NULL)
        return;
    const size_t all = s->count;
    for (size_t i = 0; i < all; i++)
        if (!s->mine[i])
            separate_songs_leave_out(s, i);
    free(s->mine);
    s->mine = NULL;
    separate_songs_close_gaps(s);
    cli_say(r->t, "shard %s: %zu of %zu songs", r->o->shard, s->count, all);
}
