/* Where the sockets of an instance are. Computed alike by daemon, launcher and monitor from the runtime folder alone.
 */
#pragma once

#include <stdint.h>

/* "<dir>/launcher.sock"; new memory. */
char *runner_launcher_path(const char *runtime_dir);
/* "<dir>/m/<number>": a monitor whose daemon went away listens there. */
char *runner_monitor_path(const char *runtime_dir, int64_t number);
/* "<dir>/n/<number>": NOTIFY_SOCKET of a step, at most 60 bytes for numbers of up to ten digits: many programs copy it
 * into a sockaddr_un, some into less. */
char *runner_notify_path(const char *runtime_dir, int64_t number);

/* Makes the folders (0700). dir is runtime_dir itself unless that is too long for such paths; then it is
 * /tmp/batchd-<uid>-<hash of runtime_dir>. 0 or negative errno; -EPERM: somebody else's folder is in the way. */
int runner_path_prepare(const char *runtime_dir);
