/* What systemd runs behind the launcher, however it ended (ExecStopPost=): makes the unit fit to start again, and after
 * an ordered stop sees to it that nothing is left. */
#include <stdlib.h>

#include "cgroup.h"
#include "cleanup.h"
#include "launcher.h"
#include "launcher_internal.h"
#include "log.h"
#include "strutil.h"
#include "xalloc.h"

struct sweep {
        const char *runtime_dir;
        const char *cgroup_base;
};

static void sweep_one(int64_t number, void *user) {
        const struct sweep *sweep = user;
        launcher_sweep(sweep->runtime_dir, sweep->cgroup_base, number);
}

/* systemd.exec(5), "$SERVICE_RESULT": a launcher that was killed or crashed leaves its steps alone, they go on; one
 * that was stopped, even one that did not get ready in time, takes them along. */
static bool was_stopped(void) {
        const char *result = getenv("SERVICE_RESULT");
        return result && (streq(result, "success") || streq(result, "timeout"));
}

int after_stop_run(const struct launcher_options *options) {
        _cleanup_free_ char *base = options->cgroup_base ? xstrdup(options->cgroup_base) : cgroup_find_delegated();
        if (was_stopped())
                launcher_each_trace(options->runtime_dir, base, sweep_one, &(struct sweep){options->runtime_dir, base});
        if (base)
                cgroup_base_disable_controllers(base);
        return EXIT_SUCCESS;
}
