#include "base/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CORES 100000

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

/* Cores that one group may use; 0: as many as there are. */
static int cores_of(const char *folder, bool unified)
{
    long long n[2] = {0, 0};
    if (unified ? !read_numbers(folder, "cpu.max", 2, n)
                : !read_numbers(folder, "cpu.cfs_quota_us", 1, &n[0]) ||
                      !read_numbers(folder, "cpu.cfs_period_us", 1, &n[1]))
        return 0;
    if (n[0] <= 0 || n[1] <= 0 || n[0] / n[1] >= MOST_CORES)
        return 0;
    return (int)(n[0] / n[1] + (n[0] % n[1] != 0));
}

static int smaller(int a, int b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* `group` and every one above it, up to the mount. */
static int smallest_above(const char *mount, char *group, bool unified)
{
    char folder[4300];
    int cores = 0;
    /* A group outside what is mounted here: only the mount itself is seen. */
    if (strncmp(group, "/..", 3) == 0)
        *group = '\0';
    for (;;) {
        snprintf(folder, sizeof folder, "%s%s", mount, group);
        cores = smaller(cores, cores_of(folder, unified));
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return cores;
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
static int cores_of_line(const char *mount, char *line)
{
    char folder[4200];
    line[strcspn(line, "\n")] = '\0';
    char *list = strchr(line, ':');
    char *group = list != NULL ? strchr(++list, ':') : NULL;
    if (group == NULL || group[1] != '/')
        return 0;
    if (group == list)
        return smallest_above(mount, group + 1, true);
    if (!has_word(list, group, "cpu"))
        return 0;
    snprintf(folder, sizeof folder, "%s/cpu", mount);
    return smallest_above(folder, group + 1, false);
}

int dmx_cgroup_cores(const char *mount, const char *self)
{
    char line[4096];
    int cores = 0;
    FILE *f = fopen(self, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        cores = smaller(cores, cores_of_line(mount, line));
    if (f != NULL)
        fclose(f);
    return cores;
}
