#include "process_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "strutil.h"
#include "timeutil.h"
#include "xalloc.h"

#define KILL_WAIT (2 * USEC_PER_SEC)
#define ENVIRONMENT_MAX ((size_t)256 * 1024)
/* For how long those are waited for that are about to execute a program. */
#define EXEC_WAIT_FIRST (1 * USEC_PER_MSEC)
#define EXEC_WAIT_LAST (8 * USEC_PER_MSEC)

struct process {
        pid_t pid;
        pid_t parent;
        struct process *above;
        bool is_zombie;
        bool is_below;
};

struct table {
        struct process *processes;
        size_t n;
        size_t capacity;
};

DEFINE_CLEANUP(DIR, closedir);

void pid_list_done(struct pid_list *list) {
        free(list->pids);
        *list = (struct pid_list){0};
}

bool pid_list_has(const struct pid_list *list, pid_t pid) {
        for (size_t i = 0; i < list->n; i++)
                if (list->pids[i] == pid)
                        return true;
        return false;
}

void pid_list_add(struct pid_list *list, pid_t pid) {
        /* What is on a list may be signalled, and kill(2) reads 0 and -1 as many processes. */
        if (pid <= 1 || pid_list_has(list, pid))
                return;
        GROW(list->pids, list->n, list->capacity);
        list->pids[list->n++] = pid;
}

void process_each(void (*fn)(pid_t pid, void *user), void *user) {
        _cleanup_(closedirp) DIR *dir = opendir("/proc");
        const struct dirent *entry;
        int64_t pid;
        while (dir && (entry = readdir(dir)))
                if (parse_int64_range(entry->d_name, 1, INT32_MAX, &pid) >= 0)
                        fn((pid_t)pid, user);
}

static ssize_t read_proc(pid_t pid, const char *name, char *ret, size_t size) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        size_t len = 0;
        while (len < size - 1) {
                ssize_t n = read(fd, ret + len, size - 1 - len);
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        ret[len] = 0;
        return (ssize_t)len;
}

int process_name(pid_t pid, char ret[static 17]) {
        ssize_t n = read_proc(pid, "comm", ret, 17);
        if (n < 0)
                return (int)n;
        ret[strcspn(ret, "\n")] = 0;
        return 0;
}

/* "pid (name) state ppid ...": the name may hold anything, so the last ')' counts (proc(5)). */
static void add_process(pid_t pid, void *user) {
        struct table *table = user;
        char text[512], state;
        int parent;
        if (read_proc(pid, "stat", text, sizeof(text)) <= 0)
                return;
        const char *after = strrchr(text, ')');
        if (!after || sscanf(after, ") %c %d", &state, &parent) != 2)
                return;
        GROW(table->processes, table->n, table->capacity);
        table->processes[table->n++] =
                (struct process){.pid = pid, .parent = parent, .is_zombie = state == 'Z' || state == 'X'};
}

static int compare_pids(const void *a, const void *b) {
        const struct process *left = a, *right = b;
        return (left->pid > right->pid) - (left->pid < right->pid);
}

/* Each process's parent within the table, NULL where it is not in there. */
static void link_parents(struct table *table) {
        if (table->n > 0)
                qsort(table->processes, table->n, sizeof(*table->processes), compare_pids);
        for (size_t i = 0; i < table->n; i++) {
                struct process *process = &table->processes[i], key = {.pid = process->parent};
                process->above = bsearch(&key, table->processes, table->n, sizeof(key), compare_pids);
        }
}

/* Parents mostly have lower ids, so that one or two rounds are enough. */
static void mark_below(struct table *table, pid_t root, const struct pid_list *except) {
        bool is_changed = true;
        link_parents(table);
        while (is_changed) {
                is_changed = false;
                for (size_t i = 0; i < table->n; i++) {
                        struct process *process = &table->processes[i];
                        if (process->is_below ||
                            (process->parent != root && !(process->above && process->above->is_below)) ||
                            (except && pid_list_has(except, process->pid)))
                                continue;
                        process->is_below = true;
                        is_changed = true;
                }
        }
}

void process_descendants(pid_t root, const struct pid_list *except, struct pid_list *ret) {
        struct table table = {0};
        process_each(add_process, &table);
        mark_below(&table, root, except);
        for (size_t i = 0; i < table.n; i++)
                if (table.processes[i].is_below && !table.processes[i].is_zombie)
                        pid_list_add(ret, table.processes[i].pid);
        free(table.processes);
}

struct environment_search {
        const char *assignment;
        char *buffer;
        struct pid_list found;
        struct pid_list executing;
};

/* Between its old program and the new one a process has no environment to see. Kernel threads and those that have ended
 * have none either, but they have no program. */
static bool has_program(pid_t pid) {
        char path[64], program[2];
        snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
        return readlink(path, program, sizeof(program)) > 0;
}

static void match_environment(pid_t pid, void *user) {
        struct environment_search *search = user;
        ssize_t n = read_proc(pid, "environ", search->buffer, ENVIRONMENT_MAX);
        if (n == 0 && has_program(pid))
                pid_list_add(&search->executing, pid);
        for (const char *at = search->buffer; n > 0 && at < search->buffer + n; at += strlen(at) + 1)
                if (strcmp(at, search->assignment) == 0) {
                        pid_list_add(&search->found, pid);
                        return;
                }
}

void process_find_by_environment(const char *assignment, struct pid_list *ret) {
        struct environment_search search = {.assignment = assignment, .buffer = xmalloc(ENVIRONMENT_MAX)};
        process_each(match_environment, &search);
        for (usec_t wait = EXEC_WAIT_FIRST; search.found.n == 0 && search.executing.n > 0 && wait <= EXEC_WAIT_LAST;
             wait *= 2) {
                nanosleep(&(struct timespec){.tv_nsec = (long)wait * 1000}, NULL);
                for (size_t i = 0; i < search.executing.n; i++)
                        match_environment(search.executing.pids[i], &search);
        }
        for (size_t i = 0; i < search.found.n; i++) {
                pid_list_add(ret, search.found.pids[i]);
                process_descendants(search.found.pids[i], NULL, ret);
        }
        free(search.buffer);
        pid_list_done(&search.found);
        pid_list_done(&search.executing);
}

/* Stops until a look finds nobody new: who is stopped cannot fork away from the kill. */
static void stop_all(pid_t root, const struct pid_list *except, struct pid_list *living) {
        for (unsigned look = 0; look < 20; look++) {
                size_t before = living->n;
                process_descendants(root, except, living);
                for (size_t i = before; i < living->n; i++)
                        (void)kill(living->pids[i], SIGSTOP);
                if (living->n == before)
                        return;
        }
}

void process_kill_descendants(pid_t root, const struct pid_list *except, struct pid_list *ended,
                              void (*reap)(void *user), void *user) {
        usec_t give_up = now_boottime() + KILL_WAIT;
        do {
                _cleanup_pid_list_ struct pid_list living = {0};
                stop_all(root, except, &living);
                if (living.n == 0)
                        return;
                for (size_t i = 0; i < living.n; i++) {
                        pid_list_add(ended, living.pids[i]);
                        (void)kill(living.pids[i], SIGKILL);
                }
                nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
                if (reap)
                        reap(user);
        } while (now_boottime() < give_up);
}
