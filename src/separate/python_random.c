#include "separate/python_random.h"

#define N 624
#define M 397

static void init_by_number(uint32_t *state, uint32_t number)
{
    state[0] = number;
    for (uint32_t i = 1; i < N; i++)
        state[i] = 1812433253u * (state[i - 1] ^ state[i - 1] >> 30) + i;
}

/* The step that both rounds of initialisation share; the state is treated as a
 * ring. */
static uint32_t advance(uint32_t *state, uint32_t i)
{
    if (i < N)
        return i;
    state[0] = state[N - 1];
    return 1;
}

static void init_by_array(uint32_t *state, const uint32_t *key, uint32_t length)
{
    init_by_number(state, 19650218u);
    uint32_t i = 1;
    for (uint32_t k = 0; k < N; k++) {
        const uint32_t j = k % length;
        const uint32_t last = state[i - 1] ^ state[i - 1] >> 30;
        state[i] = (state[i] ^ last * 1664525u) + key[j] + j;
        i = advance(state, i + 1);
    }
    for (uint32_t k = 1; k < N; k++) {
        const uint32_t last = state[i - 1] ^ state[i - 1] >> 30;
        state[i] = (state[i] ^ last * 1566083941u) - i;
        i = advance(state, i + 1);
    }
    state[0] = 0x80000000u;
}

void dmx_python_seed(dmx_python_random *random, int64_t seed)
{
    const uint64_t size = seed < 0 ? 0 - (uint64_t)seed : (uint64_t)seed;
    const uint32_t key[2] = {(uint32_t)size, (uint32_t)(size >> 32)};
    init_by_array(random->state, key, key[1] != 0 ? 2 : 1);
    random->next = N;
}

static void twist(uint32_t *state)
{
    for (int i = 0; i < N; i++) {
        const uint32_t y =
            (state[i] & 0x80000000u) | (state[(i + 1) % N] & 0x7fffffffu);
        state[i] = state[(i + M) % N] ^ y >> 1 ^ ((y & 1) ? 0x9908b0dfu : 0);
    }
}

static uint32_t next_word(dmx_python_random *random)
{
    if (random->next == N) {
        twist(random->state);
        random->next = 0;
    }
    uint32_t y = random->state[random->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

uint32_t dmx_python_randint(dmx_python_random *random, uint32_t high)
{
    const uint32_t range = high + 1;
    int bits = 0;
    while (bits < 32 && range >> bits != 0)
        bits++;
    for (;;) {
        const uint32_t r = next_word(random) >> (32 - bits);
        if (r < range)
            return r;
    }
}
