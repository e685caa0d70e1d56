#include "unit.h"

#include <string.h>

#include "reason_text.h"

/* Every word, and what its text has to speak of. */
static const struct {
        enum reason reason;
        const char *word, *speaks_of;
        bool has_advice;
} words[] = {
        {REASON_EXIT, "exit", "exit status", true},
        {REASON_SIGNAL, "signal", "signal", true},
        {REASON_OOM, "oom", "memory", true},
        {REASON_TIMEOUT, "timeout", "time", true},
        {REASON_HEARTBEAT, "heartbeat", "sign of life", true},
        {REASON_LOST, "lost", "not known", true},
        {REASON_DEPENDENCY, "dependency", "comes after", true},
        {REASON_NOT_READY, "not_ready", "not there yet", true},
        {REASON_CONDITION, "condition", "condition", false},
        {REASON_GATE, "gate", "complete", true},
        {REASON_RECORDS, "records", "records", true},
        {REASON_BREAKER, "breaker", "in a row", true},
        {REASON_SPAWN, "spawn", "started", true},
        {REASON_STOPPED, "stopped", "service", true},
        {REASON_REPLACED, "replaced", "newer run", true},
        {REASON_REQUEST, "request", "asked", false},
        {REASON_ITEMS, "items", "no list of items", true},
};

static void test_every_word_has_a_text_of_its_own(void **state) {
        assert_int_equal(sizeof(words) / sizeof(words[0]), _REASON_MAX - 1);
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                const char *meaning = reason_meaning(words[i].reason);

                assert_string_equal(reason_to_string(words[i].reason), words[i].word);
                if (!strstr(meaning, words[i].speaks_of))
                        fail_msg("%s: %s", words[i].word, meaning);
                assert_true((reason_advice(words[i].reason) != NULL) == words[i].has_advice);
                for (size_t k = 0; k < i; k++) {
                        assert_string_not_equal(meaning, reason_meaning(words[k].reason));
                        if (words[i].has_advice && words[k].has_advice)
                                assert_string_not_equal(reason_advice(words[i].reason), reason_advice(words[k].reason));
                }
        }
}

static void test_no_reason_and_one_that_is_not_known(void **state) {
        assert_non_null(strstr(reason_meaning(REASON_NONE), "nothing is recorded"));
        assert_null(reason_advice(REASON_NONE));
        assert_non_null(strstr(reason_meaning(_REASON_INVALID), "not one that this version knows"));
        assert_non_null(strstr(reason_meaning(_REASON_MAX), "not one that this version knows"));
        assert_null(reason_advice(_REASON_INVALID));
}

static void test_due_times(void **state) {
        static const char *const due_words[] = {"overlap", "paused",      "drained",   "unavailable",
                                                "refused", "daemon_down", "clock_jump"};

        for (size_t i = 0; i < sizeof(due_words) / sizeof(due_words[0]); i++)
                assert_non_null(due_reason_meaning(due_words[i]));
        assert_null(due_reason_meaning("weather"));
        assert_null(due_reason_meaning(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_word_has_a_text_of_its_own),
                cmocka_unit_test(test_no_reason_and_one_that_is_not_known),
                cmocka_unit_test(test_due_times),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
