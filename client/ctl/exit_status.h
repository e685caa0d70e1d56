/* The exit statuses of batchctl: part of its interface, listed in batchctl(1). */
#pragma once

enum exit_status {
        EXIT_DONE = 0,        /* done; with --wait or --follow: the run succeeded, or was skipped by its condition */
        EXIT_RUN_FAILED = 1,  /* the run failed or was cancelled; also what went wrong without a status of its own */
        EXIT_USAGE = 2,       /* the command line, or a parameter that the job does not take */
        EXIT_RUN_PARTIAL = 3, /* the run ended partial */
        EXIT_NOT_FOUND = 4,   /* no such job, run or step */
        EXIT_HELD_BACK = 5,   /* a run of the job is active, or the job is paused */
        EXIT_NOT_PERMITTED = 6,
        EXIT_RATE_LIMITED = 7,
        EXIT_UNREACHABLE = 8, /* the daemon cannot be reached, or cannot do it now */
        EXIT_TIMED_OUT = 124, /* --timeout passed; as timeout(1) */
};
