/* Words for statuses, records as the protocol shows them, and diagnostics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnostic.h"
#include "record.h"
#include "xalloc.h"

static void test_words_go_both_ways(void **state) {
        for (int i = 0; i < _RUN_STATUS_MAX; i++)
                assert_int_equal(run_status_from_string(run_status_to_string((enum run_status)i)), i);
        for (int i = 0; i < _STEP_STATUS_MAX; i++)
                assert_int_equal(step_status_from_string(step_status_to_string((enum step_status)i)), i);
        for (int i = 0; i < _REASON_MAX; i++)
                assert_int_equal(reason_from_string(reason_to_string((enum reason)i)), i);
        for (int i = 0; i < _TRIGGER_MAX; i++)
                assert_int_equal(trigger_from_string(trigger_to_string((enum trigger)i)), i);
}

static void test_words_that_are_none(void **state) {
        assert_int_equal(run_status_from_string("done"), _RUN_STATUS_INVALID);
        assert_int_equal(step_status_from_string(""), _STEP_STATUS_INVALID);
        assert_int_equal(trigger_from_string(NULL), _TRIGGER_INVALID);
        assert_int_equal(reason_from_string("why"), _REASON_INVALID);
        assert_int_equal(reason_from_string(""), REASON_NONE);
        assert_int_equal(reason_from_string(NULL), REASON_NONE);
        assert_null(reason_to_string(REASON_NONE));
        assert_null(run_status_to_string(_RUN_STATUS_MAX));
        assert_null(run_status_to_string(_RUN_STATUS_INVALID));
}

static void test_final_statuses(void **state) {
        for (int i = 0; i < _RUN_STATUS_MAX; i++)
                assert_int_equal(run_status_is_final((enum run_status)i), i != RUN_QUEUED && i != RUN_RUNNING);
        for (int i = 0; i < _STEP_STATUS_MAX; i++)
                assert_int_equal(step_status_is_final((enum step_status)i), i != STEP_PENDING && i != STEP_RUNNING);
}

static struct run_record *sample_run(void) {
        struct run_record *record = NEW(struct run_record);

        *record = (struct run_record){
                .run_id = "0a1b2c3d-0000-4000-8000-000000000000",
                .run_number = 12,
                .job = xstrdup("weekly_update"),
                .batch_type = xstrdup("weekly_update"),
                .batch_mode = xstrdup("full"),
                .triggered_by = TRIGGER_TIMER,
                .triggered_by_user = xstrdup("root"),
                .status = RUN_FAILED,
                .reason = REASON_EXIT,
                .created_at = 1700000000 * USEC_PER_SEC,
                .started_at = 1700000001 * USEC_PER_SEC,
                .duration_usec = 2500000,
                .error_message = xstrdup("step odds failed: exit status 65"),
                .parameters = jval_object(),
                .retry_of = xstrdup("x"),
                .parent_run_id = xstrdup("y"),
                .definition_hash = xstrdup("00ff"),
                .version = 3,
        };
        jval_set_int(record->parameters, "week", 6);
        return record;
}

static void test_run_as_json(void **state) {
        _cleanup_(run_record_freep) struct run_record *record = sample_run();
        _cleanup_(run_record_freep) struct run_record *copy = run_record_copy(record);
        _cleanup_jval_ struct jval *json = run_record_to_json(record), *of_copy = run_record_to_json(copy);
        char *text = jval_dump(json);

        assert_string_equal(
                text,
                "{\"run_id\":\"0a1b2c3d-0000-4000-8000-000000000000\",\"run_number\":12,\"job\":\"weekly_update\","
                "\"batch_type\":\"weekly_update\",\"batch_mode\":\"full\",\"triggered_by\":\"timer\",\"triggered_by_"
                "user\":\"root\","
                "\"status\":\"failed\",\"reason\":\"exit\",\"created_at\":\"2023-11-14T22:13:20.000000Z\","
                "\"started_at\":\"2023-11-14T22:13:21.000000Z\",\"completed_at\":null,\"duration_seconds\":2.5,"
                "\"error_message\":\"step odds failed: exit status "
                "65\",\"parameters\":{\"week\":6},\"metrics\":{},\"warnings\":[],"
                "\"notes\":[],\"skip_gates\":[],\"retry_of\":\"x\",\"parent_run_id\":\"y\",\"due_at\":null,\"definition_hash\":\"00ff\","
                "\"version\":3}");
        free(text);
        assert_true(jval_equal(json, of_copy));
        assert_ptr_equal(copy->parameters, record->parameters);
        assert_ptr_not_equal(copy->job, record->job);
}

static void test_run_without_values(void **state) {
        struct run_record record = {.job = xstrdup("j"), .duration_usec = -1};
        _cleanup_jval_ struct jval *json = run_record_to_json(&record);

        assert_int_equal(jval_type_of(jval_get(json, "duration_seconds")), JVAL_NULL);
        assert_int_equal(jval_type_of(jval_get(json, "reason")), JVAL_NULL);
        assert_true(jval_is_object(jval_get(json, "parameters")));
        run_record_done(&record);
        assert_null(record.job);
}

static void test_attempt_as_json(void **state) {
        struct attempt_record record = {
                .run_id = "r",
                .step_name = xstrdup("odds"),
                .attempt = 2,
                .step_order = 3,
                .status = STEP_FAILED,
                .reason = REASON_SIGNAL,
                .duration_usec = -1,
                .records_processed = -1,
                .exit_status = -1,
                .signal_number = 9,
                .output_log = xstrdup("last line"),
                .log_path = xstrdup("runs/r/03-odds.2.log"),
                .processes_ended = 4,
                .version = 5,
        };
        struct attempt_record *copy = attempt_record_copy(&record);
        _cleanup_jval_ struct jval *json = attempt_record_to_json(copy);
        char *text = jval_dump(json);

        assert_string_equal(
                text, "{\"run_id\":\"r\",\"step_name\":\"odds\",\"item\":\"\",\"attempt\":2,\"step_order\":3,"
                      "\"status\":\"failed\","
                      "\"reason\":\"signal\",\"created_at\":null,\"started_at\":null,\"completed_at\":null,\"updated_"
                      "at\":null,"
                      "\"duration_seconds\":null,\"records_processed\":null,\"exit_status\":null,\"signal_number\":9,"
                      "\"error_message\":null,\"output_log\":\"last line\",\"metrics\":{},\"metadata\":{},"
                      "\"log_path\":\"runs/r/03-odds.2.log\",\"processes_ended\":4,\"version\":5}");
        free(text);
        attempt_record_free(copy);
        attempt_record_done(&record);
}

static void test_diagnostics(void **state) {
        struct diagnostics diagnostics = {0};
        struct jval *json;
        char *text;

        diagnostics_error(&diagnostics, "b", 3, "wrong %s", "x");
        diagnostics_warning(&diagnostics, "b", 0, "odd");
        diagnostics_error(&diagnostics, "a", 9, "bad");
        assert_int_equal(diagnostics.n_errors, 2);
        diagnostics_sort(&diagnostics, 0);
        json = diagnostics_to_json(&diagnostics);
        text = jval_dump(json);
        assert_string_equal(text, "[{\"path\":\"a\",\"line\":9,\"severity\":\"error\",\"text\":\"bad\"},"
                                  "{\"path\":\"b\",\"line\":0,\"severity\":\"warning\",\"text\":\"odd\"},"
                                  "{\"path\":\"b\",\"line\":3,\"severity\":\"error\",\"text\":\"wrong x\"}]");
        free(text);
        jval_unref(json);
        text = diagnostic_to_string(&diagnostics.items[1]);
        assert_string_equal(text, "b: warning: odd");
        free(text);
        text = diagnostic_to_string(&diagnostics.items[2]);
        assert_string_equal(text, "b:3: wrong x");
        free(text);
        diagnostics_done(&diagnostics);
        assert_null(diagnostics.items);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words_go_both_ways), cmocka_unit_test(test_words_that_are_none),
                cmocka_unit_test(test_final_statuses),     cmocka_unit_test(test_run_as_json),
                cmocka_unit_test(test_run_without_values), cmocka_unit_test(test_attempt_as_json),
                cmocka_unit_test(test_diagnostics),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
