/* What the control groups limit that this process is in (Linux). */
#ifndef DMX_BASE_CGROUP_H
#define DMX_BASE_CGROUP_H

#include <stdint.h>

/* The smallest quota of the process's group and of all groups above it, in
 * cores, rounded up; 0 when there is none. mount: "/sys/fs/cgroup"; self: the
 * list of the process's groups, "/proc/self/cgroup". Version 2 ("0::/a/b"
 * there, cpu.max in <mount>/a/b) and version 1 ("4:cpu,cpuacct:/a/b", the files
 * cpu.cfs_quota_us and cpu.cfs_period_us in <mount>/cpu/a/b). */
int dmx_cgroup_cores(const char *mount, const char *self);

/* The smallest number of bytes that these groups may still take: their limit
 * less memory that can't be dropped (memory.max and "anon" of memory.stat in
 * version 2, memory.limit_in_bytes and "total_rss" in version 1). 0: no limit.
 */
int64_t dmx_cgroup_memory(const char *mount, const char *self);

#endif
