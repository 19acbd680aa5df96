#include "base/cgroup.h"
#include "demucs_onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "MemAvailable:   16266240 kB" */
static int64_t kilobytes(const char *line, const char *name)
{
    const size_t n = strlen(name);
    return strncmp(line, name, n) == 0 ? strtoll(line + n, NULL, 10) : 0;
}

int64_t dmx_memory_available(void)
{
    char line[256];
    int64_t kb = 0;
    FILE *f = fopen("/proc/meminfo", "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        kb += kilobytes(line, "MemAvailable:") + kilobytes(line, "SwapFree:");
    if (f != NULL)
        fclose(f);
    const int64_t group =
        dmx_cgroup_memory("/sys/fs/cgroup", "/proc/self/cgroup");
    const int64_t all = kb > 0 && kb < INT64_MAX / 1024 ? kb * 1024 : 0;
    return all == 0 || (group > 0 && group < all) ? group : all;
}
