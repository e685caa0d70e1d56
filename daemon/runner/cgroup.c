#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "fileutil.h"
#include "strutil.h"
#include "timeutil.h"
#include "xalloc.h"

#define KILL_WAIT (2 * USEC_PER_SEC)
#define LEAF_PREFIX "step."

DEFINE_CLEANUP(DIR, closedir);

static ssize_t read_at(int dir, const char *name, char *ret, size_t size) {
        _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, ret, size - 1);
        if (n < 0)
                return -errno;
        ret[n] = 0;
        return n;
}

static int write_at(int dir, const char *name, const char *text) {
        _cleanup_close_ int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return write_all(fd, text, strlen(text));
}

int cgroup_open(const char *base, const char *name) {
        _cleanup_free_ char *path = path_join(base, name);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* Where cgroup2 is mounted: the line of /proc/self/mountinfo whose filesystem type, behind " - ", is cgroup2 (proc(5)).
 * New memory or NULL. */
static char *mount_point(void) {
        _cleanup_fclose_ FILE *file = fopen("/proc/self/mountinfo", "re");
        char line[4096], path[4096];
        while (file && fgets(line, sizeof(line), file))
                if (strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1)
                        return xstrdup(path);
        return NULL;
}

/* Our line of /proc/self/cgroup in the unified hierarchy: "0::/path". New memory or NULL. */
static char *own_path(void) {
        _cleanup_fclose_ FILE *file = fopen("/proc/self/cgroup", "re");
        char line[4096];
        while (file && fgets(line, sizeof(line), file)) {
                const char *path = startswith(line, "0::");
                if (!path)
                        continue;
                line[strcspn(line, "\n")] = 0;
                return xstrdup(path);
        }
        return NULL;
}

/* systemd marks what Delegate= has handed over (systemd.resource-control(5), "Delegate="). */
static bool is_delegated(const char *path) {
        char value[8];
        ssize_t n = getxattr(path, "user.delegate", value, sizeof(value));
        if (n < 0)
                n = getxattr(path, "trusted.delegate", value, sizeof(value));
        return n == 1 && value[0] == '1' && access(path, W_OK) == 0;
}

char *cgroup_find_delegated(void) {
        static const char *const own_leaves[] = {"/launcher", "/.control"};
        _cleanup_free_ char *mount = mount_point(), *own = own_path();
        if (!mount || !own)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(own_leaves); i++)
                if (endswith(own, own_leaves[i]))
                        own[strlen(own) - strlen(own_leaves[i])] = 0;
        _cleanup_free_ char *path = xasprintf("%s%s", mount, streq(own, "/") ? "" : own);
        return is_delegated(path) ? STEAL_PTR(path) : NULL;
}

static void switch_controllers(const char *base, const char *list_file, char sign) {
        _cleanup_close_ int dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char list[512], word[64];
        if (dir < 0 || read_at(dir, list_file, list, sizeof(list)) <= 0)
                return;
        char *saved = NULL;
        for (char *name = strtok_r(list, " \n", &saved); name; name = strtok_r(NULL, " \n", &saved)) {
                snprintf(word, sizeof(word), "%c%s", sign, name);
                /* One by one: a controller that cannot be switched must not keep the others. */
                (void)write_at(dir, "cgroup.subtree_control", word);
        }
}

void cgroup_base_disable_controllers(const char *base) {
        switch_controllers(base, "cgroup.subtree_control", '-');
}

int cgroup_base_enter(const char *base) {
        static const char *const own_leaves[] = {"launcher", "monitors"};
        for (size_t i = 0; i < ELEMENTSOF(own_leaves); i++) {
                _cleanup_free_ char *path = path_join(base, own_leaves[i]);
                if (mkdir(path, 0755) < 0 && errno != EEXIST)
                        return -errno;
        }
        _cleanup_close_ int launcher = cgroup_open(base, "launcher");
        if (launcher < 0)
                return launcher;
        int r = write_at(launcher, "cgroup.procs", "0");
        if (r < 0)
                return r;
        switch_controllers(base, "cgroup.controllers", '+');
        return 0;
}

char *cgroup_leaf_name(int64_t number, const char *label) {
        _cleanup_free_ char *safe = path_escape_component(str_or(label, ""));
        return xasprintf(LEAF_PREFIX "%" PRId64 ".%s", number, safe);
}

int cgroup_leaf_make(const char *base, const char *name) {
        _cleanup_free_ char *path = path_join(base, name);
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
                return -errno;
        return cgroup_open(base, name);
}

static int write_limit(int leaf, const char *file, uint64_t value) {
        char text[24];
        if (value == 0)
                return 0;
        snprintf(text, sizeof(text), "%" PRIu64, value);
        return write_at(leaf, file, text);
}

int cgroup_leaf_limit(int leaf, const struct cgroup_limits *limits) {
        int r = write_limit(leaf, "memory.max", limits->memory_max);
        int tasks = write_limit(leaf, "pids.max", limits->tasks_max);
        int cpu = 0;
        if (limits->cpu_quota_percent > 0) {
                char text[48];
                /* Of 100 ms, as systemd does for CPUQuota=. */
                snprintf(text, sizeof(text), "%" PRIu64 " 100000", limits->cpu_quota_percent * 1000);
                cpu = write_at(leaf, "cpu.max", text);
        }
        return r < 0 ? r : tasks < 0 ? tasks : cpu;
}

/* Calls fn for the folder and all below it, those below first. */
static void walk(int dir, unsigned depth, void (*fn)(int dir, int parent, const char *name, void *user), void *user) {
        int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *entries = copy < 0 ? NULL : fdopendir(copy);
        if (!entries) {
                if (copy >= 0)
                        (void)close(copy);
                return;
        }
        _cleanup_(closedirp) DIR *owned = entries;
        const struct dirent *entry;
        while (depth < 16 && (entry = readdir(owned))) {
                if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
                        continue;
                _cleanup_close_ int child = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (child < 0)
                        continue;
                walk(child, depth + 1, fn, user);
                fn(child, dir, entry->d_name, user);
        }
}

static void add_processes(int dir, int parent, const char *name, void *user) {
        _cleanup_close_ int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        FILE *file = fd < 0 ? NULL : fdopen(fd, "re");
        if (!file)
                return;
        (void)steal_fd(&fd);
        _cleanup_fclose_ FILE *owned = file;
        int pid;
        while (fscanf(owned, "%d", &pid) == 1)
                if (pid > 0)
                        pid_list_add(user, (pid_t)pid);
}

void cgroup_leaf_processes(int leaf, struct pid_list *ret) {
        walk(leaf, 0, add_processes, ret);
        add_processes(leaf, -1, NULL, ret);
}

static bool is_populated(int leaf) {
        char events[256];
        return read_at(leaf, "cgroup.events", events, sizeof(events)) > 0 && strstr(events, "populated 1");
}

void cgroup_leaf_kill(int leaf) {
        usec_t give_up = now_boottime() + KILL_WAIT;
        while (is_populated(leaf) && now_boottime() < give_up) {
                (void)write_at(leaf, "cgroup.kill", "1");
                nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
        }
}

static void remove_child(int dir, int parent, const char *name, void *user) {
        (void)unlinkat(parent, name, AT_REMOVEDIR);
}

void cgroup_leaf_remove(const char *base, const char *name) {
        _cleanup_free_ char *path = path_join(base, name);
        if (rmdir(path) >= 0)
                return;
        _cleanup_close_ int leaf = cgroup_open(base, name);
        if (leaf < 0)
                return;
        walk(leaf, 0, remove_child, NULL);
        (void)rmdir(path);
}

void cgroup_each_leaf(const char *base, void (*fn)(const char *name, int64_t number, void *user), void *user) {
        _cleanup_(closedirp) DIR *dir = opendir(base);
        const struct dirent *entry;
        while (dir && (entry = readdir(dir))) {
                int64_t number;
                int end = 0;
                if (sscanf(entry->d_name, LEAF_PREFIX "%" SCNd64 ".%n", &number, &end) == 1 && end > 0)
                        fn(entry->d_name, number, user);
        }
}

/* The kernel's own decimal numbers: no check but for their end. */
static int64_t leading_number(const char *text) {
        return strtoll(text, NULL, 10);
}

/* The sum of `key` + number over all words of the text ("rbytes=1 wbytes=2", "usage_usec 5"), or -1. */
static int64_t sum_of(const char *text, const char *key) {
        int64_t sum = -1;
        for (const char *at = text; (at = strstr(at, key)); at += strlen(key))
                if (at == text || at[-1] == ' ' || at[-1] == '\n')
                        sum = (sum < 0 ? 0 : sum) + leading_number(at + strlen(key));
        return sum;
}

static void use(int64_t *to, int64_t value) {
        if (value >= 0)
                *to = value;
}

void cgroup_leaf_usage(int leaf, struct cgroup_usage *usage) {
        char text[4096];
        if (read_at(leaf, "memory.peak", text, sizeof(text)) > 0)
                use(&usage->memory_peak, leading_number(text));
        if (read_at(leaf, "cpu.stat", text, sizeof(text)) > 0)
                use(&usage->cpu_usec, sum_of(text, "usage_usec "));
        if (read_at(leaf, "io.stat", text, sizeof(text)) > 0) {
                use(&usage->io_read_bytes, sum_of(text, "rbytes="));
                use(&usage->io_write_bytes, sum_of(text, "wbytes="));
        }
        if (read_at(leaf, "memory.events", text, sizeof(text)) > 0)
                usage->has_oom_kill = sum_of(text, "oom_kill ") > 0;
}
