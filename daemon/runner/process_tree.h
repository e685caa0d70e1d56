/* Processes by descent, from /proc: how a step's processes are found where there is no cgroup of its own. The monitor
 * is a subreaper, so that whatever a step forks, with setsid and double forks too, stays below it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pid_list {
        pid_t *pids;
        size_t n;
        size_t capacity;
};

void pid_list_done(struct pid_list *list);
#define _cleanup_pid_list_ _cleanup_(pid_list_done)
/* Once each; what is not the id of one process (1 included) is left out. */
void pid_list_add(struct pid_list *list, pid_t pid);
bool pid_list_has(const struct pid_list *list, pid_t pid);

/* Living descendants of root (zombies and root itself left out). `except` may be NULL: those and what is below them are
 * left out. */
void process_descendants(pid_t root, const struct pid_list *except, struct pid_list *ret);
/* Living processes with this "NAME=value" in the environment that they were started with, and their descendants. Where
 * there is none, but somebody is about to execute a program, it waits for that: at most 15 ms. */
void process_find_by_environment(const char *assignment, struct pid_list *ret);
/* Ends all descendants of root but `except` and what is below those: stops them first, so that none forks on, then
 * kills. Waits at most two seconds for them to be gone, calling reap (may be NULL) in between. Those found are added to
 * `ended`. */
void process_kill_descendants(pid_t root, const struct pid_list *except, struct pid_list *ended,
                              void (*reap)(void *user), void *user);
/* Name of the process (/proc/<pid>/comm). 0 or negative errno. */
int process_name(pid_t pid, char ret[static 17]);
/* Calls fn for every process id. */
void process_each(void (*fn)(pid_t pid, void *user), void *user);
