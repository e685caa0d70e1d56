#include "heartbeat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"
#include "log.h"
#include "message_ids.h"
#include "strutil.h"
#include "xalloc.h"

#define CATEGORY "heartbeat"

struct word {
        bool is_missing;
        uint64_t since, silence; /* realtime; usec */
        unsigned times;
};

static bool read_word(const char *value, struct word *ret) {
        *ret = (struct word){0};
        if (sscanf(value, "missing %" SCNu64 " %u", &ret->since, &ret->times) == 2) {
                ret->is_missing = true;
                return true;
        }
        return sscanf(value, "back %" SCNu64 " %" SCNu64 " %u", &ret->since, &ret->silence, &ret->times) == 3;
}

static char *text_of(const struct task_run *task, const struct word *word) {
        char since[RFC3339_SIZE], limit[TIMESPAN_SIZE], silence[TIMESPAN_SIZE];
        _cleanup_free_ char *times = word->times > 1 ? xasprintf("; %u times so far", word->times) : xstrdup("");

        (void)format_time_local(since, word->since, true);
        (void)format_timespan(limit, task_step(task)->heartbeat);
        if (word->is_missing)
                return xasprintf("no sign of life since %s UTC, HeartbeatSec=%s%s", since, limit, times);
        return xasprintf("no sign of life for %s from %s UTC on, HeartbeatSec=%s; it came back%s",
                         format_timespan(silence, word->silence), since, limit, times);
}

static void log_word(const struct task_run *task, const char *text) {
        const struct run *run = task->run;

        log_at(LOG_LEVEL_NOTICE,
               &(struct log_context){.message_id = MESSAGE_ID_STEP_WARNING,
                                     .run_id = run->record.run_id,
                                     .job = run->record.job,
                                     .step = task->record.step_name},
               "%s #%" PRId64 " %s: %s", run->record.job, run->record.run_number, task->record.step_name, text);
}

static struct jval *word_json(const struct word *word) {
        struct jval *noted = jval_object();

        jval_set_time(noted, "missing_since", word->is_missing ? word->since : 0);
        jval_set(noted, "silent_seconds",
                 word->is_missing ? jval_null() : jval_real((double)word->silence / (double)USEC_PER_SEC));
        jval_set_int(noted, "times", word->times);
        return noted;
}

void heartbeat_report(struct task_run *task, const char *value) {
        _cleanup_free_ char *text = NULL;
        struct word word;

        if (!read_word(value, &word))
                return;
        if (!task->record.metadata)
                task->record.metadata = jval_object();
        jval_set(task->record.metadata, "heartbeat", word_json(&word));
        text = text_of(task, &word);
        task->had_warnings = true;
        /* The first time, adding the warning tells the log. */
        if (!word.is_missing || word.times > 1)
                log_word(task, text);
        run_set_warning(task->run, task->record.step_name, task->record.item, CATEGORY, text);
        /* It is news while it lasts: in state.db and PostgreSQL at once. */
        task_mark(task);
}
