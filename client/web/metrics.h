/* /metrics: what the daemon says of itself and its jobs, for Prometheus. It is asked anew for each scrape; only ends of
 * runs are counted here, from the start of batch-web on. */
#pragma once

#include "daemon_link.h"
#include "http_conn.h"
#include "jval.h"

struct run_ends;
struct run_ends *run_ends_new(void);
struct run_ends *run_ends_free(struct run_ends *ends);
/* The params of a run.changed that ended. */
void run_ends_count(struct run_ends *ends, const struct jval *params);

/* Of this process. */
struct web_counts {
        size_t connections, run_streams, event_streams;
};

/* Answers on conn. ends outlives the answer. */
void metrics_open(struct daemon_link *link, const struct run_ends *ends, const struct web_counts *counts,
                  struct http_conn *conn);
