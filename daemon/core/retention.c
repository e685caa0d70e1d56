#include "retention.h"

#include <stdlib.h>

#include "strutil.h"
#include "xalloc.h"

struct kept {
        char *job; /* NULL: all */
        struct keep keep;
        uint64_t runs, bytes; /* that stay */
};

struct retention {
        usec_t now;
        struct kept all;
        struct kept *jobs;
        size_t n_jobs, capacity;
};

struct retention *retention_new(const struct keep *all, usec_t now) {
        struct retention *retention = NEW(struct retention);

        retention->now = now;
        retention->all.keep = *all;
        return retention;
}

struct retention *retention_free(struct retention *retention) {
        if (!retention)
                return NULL;
        for (size_t i = 0; i < retention->n_jobs; i++)
                free(retention->jobs[i].job);
        free(retention->jobs);
        free(retention);
        return NULL;
}

static struct kept *find(struct retention *retention, const char *job) {
        for (size_t i = 0; i < retention->n_jobs; i++)
                if (streq(retention->jobs[i].job, job))
                        return &retention->jobs[i];
        GROW(retention->jobs, retention->n_jobs, retention->capacity);
        retention->jobs[retention->n_jobs] = (struct kept){.job = xstrdup(job), .keep = KEEP_ALL};
        return &retention->jobs[retention->n_jobs++];
}

void retention_add_job(struct retention *retention, const char *job, const struct keep *keep) {
        find(retention, job)->keep = *keep;
}

static bool is_full(const struct kept *kept, const struct ended_run *run, usec_t now) {
        /* An end in the future (the clock was set back since) is young. */
        if (now > run->completed_at && now - run->completed_at > kept->keep.age)
                return true;
        if (kept->runs >= kept->keep.runs)
                return true;
        return kept->keep.bytes != UINT64_MAX &&
               (kept->bytes > kept->keep.bytes || run->bytes > kept->keep.bytes - kept->bytes);
}

bool retention_exceeds(struct retention *retention, const struct ended_run *run) {
        const struct kept *of_job = find(retention, run->job);

        if (of_job->runs == 0)
                return false;
        return is_full(of_job, run, retention->now) || is_full(&retention->all, run, retention->now);
}

static void count(struct kept *kept, const struct ended_run *run) {
        kept->runs++;
        kept->bytes += run->bytes;
}

void retention_stays(struct retention *retention, const struct ended_run *run) {
        count(find(retention, run->job), run);
        count(&retention->all, run);
}
