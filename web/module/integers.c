/* Which integers are faster than float32. It depends on the processor, which
 * WebAssembly does not name: an instruction of two or four products is one of
 * x86-64's, but several of ARM's, or the other way round. So the first engine
 * of reduced precision measures it (ld's --wrap), unless the host has said. */
#include "engine.h"
#include "measure.h"

#include "base/clock.h"
#include "engine/engine.h"

#include <stdlib.h>

/* A product of integers must be this much faster, as data are packed for it. */
#define GAIN 1.2

enum {
    COLUMNS = 384,
    REPEATS = 160, /* a slice of two milliseconds */
    ROUNDS = 12,   /* functions are optimised after many calls, */
    MOST_ROUNDS = 60
};
#define MOST_SECONDS 2.0 /* and sometimes late */

static bool known, gains[DMX_NUMBERS], unusable[DMX_NUMBERS];

void web_forbid_integers(const bool wrong[DMX_NUMBERS])
{
    for (int i = 0; i < DMX_NUMBERS; i++)
        unusable[i] = wrong[i];
}

void web_set_integers(const bool given[DMX_NUMBERS])
{
    known = given != NULL;
    for (int i = 0; known && i < DMX_NUMBERS; i++)
        gains[i] = given[i];
}

static bool faster(const double rate[DMX_NUMBERS], int than, int number)
{
    return rate[number] >= GAIN * rate[than];
}

static void measure(void)
{
    double rate[DMX_NUMBERS] = {0};
    web_operands o;
    const double start = dmx_seconds();
    const bool good = web_operands_make(&o, COLUMNS);
    for (int round = 0; good && round < MOST_ROUNDS; round++) {
        for (int n = 0; n < DMX_NUMBERS; n++) {
            const double r = web_product_rate(&o, (dmx_number)n, REPEATS);
            rate[n] = r > rate[n] ? r : rate[n];
        }
        if (round >= ROUNDS && (faster(rate, DMX_FLOAT32, DMX_INT16) ||
                                dmx_seconds() - start > MOST_SECONDS))
            break;
    }
    web_operands_free(&o);
    gains[DMX_INT16] = faster(rate, DMX_FLOAT32, DMX_INT16);
    gains[DMX_INT8] =
        faster(rate, gains[DMX_INT16] ? DMX_INT16 : DMX_FLOAT32, DMX_INT8);
    known = good;
}

const char *__real_dmx_engine_integers(bool pays[DMX_NUMBERS], const char *isa);
const char *__wrap_dmx_engine_integers(bool pays[DMX_NUMBERS], const char *isa);

const char *__wrap_dmx_engine_integers(bool pays[DMX_NUMBERS], const char *isa)
{
    const char *name = __real_dmx_engine_integers(pays, isa);
    if (!known)
        measure();
    for (int i = 0; i < DMX_NUMBERS; i++)
        pays[i] = pays[i] && gains[i] && !unusable[i];
    return name;
}
