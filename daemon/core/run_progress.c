/* How far a run is: ended tasks count whole, running ones by the part that they report of themselves. */
#include "run_machine.h"

struct run_progress run_machine_progress(const struct run_machine *machine, const double *own) {
        struct run_progress progress = {.total = machine->n_tasks};
        double done = 0;

        for (size_t i = 0; i < machine->n_tasks; i++) {
                const struct task *task = &machine->tasks[i];

                switch (task->state) {
                case TASK_ENDED:
                        progress.completed++;
                        progress.failed += task->status == STEP_FAILED;
                        done += 1;
                        break;
                case TASK_STARTING:
                case TASK_RUNNING:
                        progress.running++;
                        done += own ? own[i] : 0;
                        break;
                case TASK_PENDING:
                case TASK_WAITING:
                        break;
                }
        }
        progress.percent = machine->n_tasks ? 100.0 * done / (double)machine->n_tasks : 100.0;
        return progress;
}
