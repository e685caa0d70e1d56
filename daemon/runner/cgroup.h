/* The cgroups (v2) of steps: `<base>/launcher`, `<base>/monitors` and one leaf for each attempt, below the cgroup that
 * systemd has delegated to batch-runner.service. All of it is optional: without a delegated cgroup everything works by
 * descent (process_tree.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "process_tree.h"

/* The cgroup that this process is in (without a trailing "/launcher"), when it is delegated to us; new memory, else
 * NULL. */
char *cgroup_find_delegated(void);
/* Makes the leaves `launcher` and `monitors`, moves this process to the first and enables controllers for the leaves,
 * as far as there are any. 0 or negative errno. */
int cgroup_base_enter(const char *base);
/* Switches all controllers of the leaves off: systemd 252 cannot put a new main process into a cgroup that has any
 * enabled (it fails with 219/CGROUP), since processes may then only be in leaves. */
void cgroup_base_disable_controllers(const char *base);
/* A descriptor of the folder `<base>/monitors`, for CLONE_INTO_CGROUP; or negative errno. */
int cgroup_open(const char *base, const char *name);

struct cgroup_limits {
        uint64_t memory_max; /* bytes; 0: none, so all */
        uint64_t tasks_max;
        uint64_t cpu_quota_percent;
};

/* "step.<number>.<label made safe>"; new memory. */
char *cgroup_leaf_name(int64_t number, const char *label);
/* Makes it where it is not there yet: a descriptor of the folder, or negative errno. */
int cgroup_leaf_make(const char *base, const char *name);
/* 0, or the negative errno of the first limit that could not be set (-ENOENT: its controller is not enabled). */
int cgroup_leaf_limit(int leaf, const struct cgroup_limits *limits);
void cgroup_leaf_processes(int leaf, struct pid_list *ret);
/* Kills all that is in it and below, waits at most two seconds for it to be empty. */
void cgroup_leaf_kill(int leaf);
/* Removes the folder with those below it; it must be empty of processes. */
void cgroup_leaf_remove(const char *base, const char *name);
/* Calls fn for each leaf of an attempt below base. */
void cgroup_each_leaf(const char *base, void (*fn)(const char *name, int64_t number, void *user), void *user);

/* What the leaf used; members that cannot be known are left alone. */
struct cgroup_usage {
        int64_t memory_peak, cpu_usec, io_read_bytes, io_write_bytes;
        bool has_oom_kill;
};
void cgroup_leaf_usage(int leaf, struct cgroup_usage *usage);
