/* The CPU quota of the control groups that this process is in (Linux). */
#ifndef DMX_BASE_CGROUP_H
#define DMX_BASE_CGROUP_H

/* The smallest quota of the process's group and of all groups above it, in
 * cores, rounded up; 0 when there is none. mount: "/sys/fs/cgroup"; self: the
 * list of the process's groups, "/proc/self/cgroup". Version 2 ("0::/a/b"
 * there, cpu.max in <mount>/a/b) and version 1 ("4:cpu,cpuacct:/a/b", the files
 * cpu.cfs_quota_us and cpu.cfs_period_us in <mount>/cpu/a/b). */
int dmx_cgroup_cores(const char *mount, const char *self);

#endif
