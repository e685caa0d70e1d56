/* How far a run is. */
#include "run_machine.h"

/* What a step reports of itself may be nonsense. */
static double own_progress(const double *own, size_t task) {
        double part = own ? own[task] : 0;

        if (!(part > 0))
                return 0;
        return part < 1 ? part : 1;
}

struct run_progress run_machine_progress(const struct run_machine *machine, const double *own) {
        struct run_progress progress = {.total = machine->n_tasks};
        double done = 0;

        for (size_t i = 0; i < machine->n_tasks; i++) {
                const struct task *task = &machine->tasks[i];

                switch (task->state) {
                case TASK_ENDED:
                        progress.completed++;
                        progress.failed += task->status == STEP_FAILED ? 1 : 0;
                        done += 1;
                        break;
                case TASK_STARTING:
                case TASK_RUNNING:
                case TASK_WAITING:
                        progress.running++;
                        done += own_progress(own, i);
                        break;
                case TASK_PENDING:
                        break;
                }
        }
        progress.percent = progress.total > 0 ? 100 * done / (double)progress.total : 100;
        return progress;
}
