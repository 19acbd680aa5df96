#include "memory_limit.h"

#include <demucs_onnx.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

/* What is asked for and never touched: stacks of threads, tails of arenas. */
#define UNTOUCHED ((int64_t)512 << 20)

#ifdef __linux__
/* Bytes that count against the limit already; -1: not known. */
static int64_t used(void)
{
    char line[256];
    long long kb = -1;
    FILE *f = fopen("/proc/self/status", "re");
    while (f != NULL && kb < 0 && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "VmData: %lld", &kb) != 1)
            kb = -1;
    if (f != NULL)
        fclose(f);
    return kb < 0 ? -1 : kb * 1024;
}

static int64_t wanted(void)
{
    const char *text = getenv("DEMUCS_ONNX_MEMORY");
    if (text == NULL || text[0] == '\0') {
        const int64_t available = dmx_memory_available();
        return available > 0 ? available + UNTOUCHED : 0;
    }
    const long long mib = strtoll(text, NULL, 10);
    return mib > 0 && mib < (long long)1 << 40 ? mib << 20 : 0;
}

void cli_limit_memory(void)
{
    struct rlimit limit;
    const int64_t before = used(), most = wanted();
    if (before < 0 || most <= 0 || getrlimit(RLIMIT_DATA, &limit) != 0)
        return;
    const rlim_t all = (rlim_t)before + (rlim_t)most;
    if (limit.rlim_cur == RLIM_INFINITY || all < limit.rlim_cur) {
        limit.rlim_cur = all;
        (void)setrlimit(RLIMIT_DATA, &limit);
    }
}
#else
void cli_limit_memory(void)
{
}
#endif
