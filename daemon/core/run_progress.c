/* How far a run is. */
#include "run_machine.h"

double own_progress_of(double reported) {
        if (!(reported > 0))
                return 0;
        return reported < 1 ? reported : 1;
}

struct run_progress run_machine_progress(const struct run_machine *machine, double own) {
        const struct task_counts *counts = &machine->counts;
        struct run_progress progress = {
                .total = counts->total,
                .completed = counts->completed,
                .failed = counts->failed,
                .running = counts->running,
        };
        double done = (double)counts->completed + (own < (double)counts->running ? own : (double)counts->running);

        progress.percent = progress.total > 0 ? 100 * done / (double)progress.total : 100;
        return progress;
}
