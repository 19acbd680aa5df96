#include "base/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CORES  100000
#define MOST_MEMORY ((long long)1 << 50) /* more than that is no limit */

/* Whole numbers in a file: "200000 100000"; false when there are fewer ("max
 * 100000" is no limit). */
static bool read_numbers(const char *folder, const char *name, int count,
                         long long *number)
{
    char path[4400], text[128] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    const bool found = fgets(text, sizeof text, f) != NULL;
    fclose(f);
    const char *at = text;
    for (int i = 0; found && i < count; i++) {
        char *end;
        number[i] = strtoll(at, &end, 10);
        if (end == at)
            return false;
        at = end;
    }
    return found;
}

/* A named number of memory.stat: "anon 4096"; -1: it is not there. */
static long long statistic(const char *folder, const char *name)
{
    char path[4400], line[256];
    const size_t n = strlen(name);
    long long value = -1;
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    FILE *f = fopen(path, "re");
    while (f != NULL && value < 0 && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, n) == 0 && line[n] == ' ')
            value = strtoll(line + n, NULL, 10);
    if (f != NULL)
        fclose(f);
    return value;
}

/* What one group limits, and how it is asked; 0: it does not. */
typedef struct question {
    const char *controller; /* of version 1 */
    int64_t (*ask)(const char *folder, bool unified);
} question;

static int64_t cores_of(const char *folder, bool unified)
{
    long long n[2] = {0, 0};
    if (unified ? !read_numbers(folder, "cpu.max", 2, n)
                : !read_numbers(folder, "cpu.cfs_quota_us", 1, &n[0]) ||
                      !read_numbers(folder, "cpu.cfs_period_us", 1, &n[1]))
        return 0;
    if (n[0] <= 0 || n[1] <= 0 || n[0] / n[1] >= MOST_CORES)
        return 0;
    return n[0] / n[1] + (n[0] % n[1] != 0);
}

/* The limit less what can't be dropped: pages of files can. */
static int64_t memory_of(const char *folder, bool unified)
{
    long long most = 0;
    if (!read_numbers(folder, unified ? "memory.max" : "memory.limit_in_bytes",
                      1, &most))
        return 0;
    const long long used = statistic(folder, unified ? "anon" : "total_rss");
    if (most <= 0 || most >= MOST_MEMORY)
        return 0;
    return used < 0 ? most : used < most ? most - used : 1;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* `group` and every one above it, up to the mount. */
static int64_t smallest_above(const question *q, const char *mount, char *group,
                              bool unified)
{
    char folder[4300];
    int64_t least = 0;
    /* A group outside what is mounted here: only the mount itself is seen. */
    if (strncmp(group, "/..", 3) == 0)
        *group = '\0';
    for (;;) {
        snprintf(folder, sizeof folder, "%s%s", mount, group);
        least = smaller(least, q->ask(folder, unified));
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

static bool has_word(const char *list, const char *end, const char *word)
{
    const size_t n = strlen(word);
    while (list < end) {
        const char *comma = memchr(list, ',', (size_t)(end - list));
        const char *stop = comma != NULL ? comma : end;
        if ((size_t)(stop - list) == n && memcmp(list, word, n) == 0)
            return true;
        list = stop + 1;
    }
    return false;
}

/* "0::/a/b", "4:cpu,cpuacct:/a/b" */
static int64_t least_of_line(const question *q, const char *mount, char *line)
{
    char folder[4200];
    line[strcspn(line, "\n")] = '\0';
    char *list = strchr(line, ':');
    char *group = list != NULL ? strchr(++list, ':') : NULL;
    if (group == NULL || group[1] != '/')
        return 0;
    if (group == list)
        return smallest_above(q, mount, group + 1, true);
    if (!has_word(list, group, q->controller))
        return 0;
    snprintf(folder, sizeof folder, "%s/%s", mount, q->controller);
    return smallest_above(q, folder, group + 1, false);
}

static int64_t least_of(const question *q, const char *mount, const char *self)
{
    char line[4096];
    int64_t least = 0;
    FILE *f = fopen(self, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        least = smaller(least, least_of_line(q, mount, line));
    if (f != NULL)
        fclose(f);
    return least;
}

int dmx_cgroup_cores(const char *mount, const char *self)
{
    static const question cores = {"cpu", cores_of};
    return (int)least_of(&cores, mount, self);
}

int64_t dmx_cgroup_memory(const char *mount, const char *self)
{
    static const question memory = {"memory", memory_of};
    return least_of(&memory, mount, self);
}
