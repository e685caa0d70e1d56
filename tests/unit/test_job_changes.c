/* What differs between two versions of a job's files. */
#include "unit.h"

#include <stdlib.h>

#include "core_fixture.h"
#include "job_changes.h"
#include "strv.h"

static void check(const char *before, const char *now, const char *expected) {
        struct source_text old = {.path = "a", .text = before, .len = strlen(before)},
                           new = {.path = "a", .text = now, .len = strlen(now)};
        char **changes = job_changes(&old, 1, &new, 1), *joined = changes ? strv_join(changes, "|") : strdup("");

        assert_string_equal(joined, expected);
        free(joined);
        strv_free(changes);
}

#define JOB "[Job]\nType=x\n[Step a]\nExec=/bin/true\nRetries=1\n"

static void changed_keys_are_named(void **state) {
        check(JOB, JOB, "");
        check(JOB, "# why\n\n[Step a]\nRetries=1\nExec=/bin/true\n[Job]\nType=x\n", "");
        check(JOB, "[Job]\nType=y\n[Step a]\nExec=/bin/false\nRetries=1\n", "[Job] Type=|[Step a] Exec=");
        check(JOB, "[Job]\nType=x\n[Step a]\nExec=/bin/true\n", "[Step a] Retries=");
        check(JOB, JOB "[Step b]\nExec=x\n", "[Step b]|[Step b] Exec=");
        check(JOB "[Step b]\nExec=x\n", JOB, "[Step b]|[Step b] Exec=");
        check("[Step a]\nExec=x\nEnvironment=A=1\nEnvironment=B=2\n", "[Step a]\nExec=x\nEnvironment=A=1\n",
              "[Step a] Environment=");
}

static void drop_ins_count(void **state) {
        struct source_text old[] = {{"a", JOB, strlen(JOB)}, {"b", "[Step a]\nRetries=2\n", 19}};
        char **changes = job_changes(old, 2, old, 1);

        assert_int_equal(strv_length(changes), 1);
        assert_string_equal(changes[0], "[Step a] Retries=");
        strv_free(changes);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(changed_keys_are_named),
                cmocka_unit_test(drop_ins_count),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
