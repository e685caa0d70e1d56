/* batchd.conf: what each key does, defaults, drop-ins, mistakes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "config_key.h"
#include "job_file.h"
#include "log.h"
#include "macro.h"
#include "strutil.h"
#include "strv.h"

static int parse(struct daemon_config *ret, const char *text, const char *dropin, struct diagnostics *diagnostics) {
        struct source_text sources[] = {
                {.path = "c", .text = text, .len = strlen(text)},
                {.path = "d", .text = dropin, .len = strlen(dropin)},
        };

        return daemon_config_parse(ret, sources, ELEMENTSOF(sources), diagnostics);
}

static void check_list(char *const *list, const char *expected) {
        char *joined = strv_join(list, "|");

        assert_string_equal(joined, expected);
        free(joined);
}

static void check_defaults(const struct daemon_config *config) {
        assert_null(config->database);
        assert_int_equal(config->actions_per_minute, 5);
        assert_int_equal(config->log_level, LOG_LEVEL_INFO);
        assert_false(config->log_json);
        assert_null(config->log_target);
        assert_null(config->log_file);
        assert_int_equal(config->log_rotate_size, 10 * 1024 * 1024);
        assert_int_equal(config->log_rotate_keep, 5);
        assert_null(config->trusted_clients);
        assert_string_equal(config->watch_group, "batchd");
        assert_string_equal(config->act_group, "batchd-admin");
        assert_null(config->mirror_host);
        assert_null(config->state_directory);
        assert_null(config->runtime_directory);
        assert_null(config->jobs_directories);
        assert_null(config->runner_path);
        assert_null(config->sql_directory);
}

static void test_defaults(void **state) {
        struct diagnostics diagnostics = {0};
        struct daemon_config config;

        assert_int_equal(daemon_config_parse(&config, NULL, 0, &diagnostics), 0);
        check_defaults(&config);
        daemon_config_done(&config);
        assert_int_equal(parse(&config, "# nothing\n", "[Daemon]\n", &diagnostics), 0);
        check_defaults(&config);
        daemon_config_done(&config);
        diagnostics_done(&diagnostics);
}

static const char everything[] =
        "[Daemon]\nDatabase=host=/run/postgresql dbname=x\nActionsPerMinute=60\nLogLevel=debug\nLogFormat=json\n"
        "LogTarget=file\nLogFile=/var/log/b\nLogRotateSize=1M\nLogRotateKeep=2\nTrustedClients=web other\n"
        "WatchGroup=w\nActGroup=a\nHostName=h\nStateDirectory=/s\nRuntimeDirectory=/r\nJobsDirectory=/j1 /j2\n"
        "JobsDirectory=\"/j 3\"\nRunnerPath=/x/batch-runner\nSqlDirectory=/sql\n";

static void test_everything(void **state) {
        struct diagnostics diagnostics = {0};
        struct daemon_config config;

        assert_int_equal(parse(&config, everything, "", &diagnostics), 0);
        assert_string_equal(config.database, "host=/run/postgresql dbname=x");
        assert_int_equal(config.actions_per_minute, 60);
        assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
        assert_true(config.log_json);
        assert_string_equal(config.log_target, "file");
        assert_string_equal(config.log_file, "/var/log/b");
        assert_int_equal(config.log_rotate_size, 1024 * 1024);
        assert_int_equal(config.log_rotate_keep, 2);
        check_list(config.trusted_clients, "web|other");
        assert_string_equal(config.watch_group, "w");
        assert_string_equal(config.act_group, "a");
        assert_string_equal(config.mirror_host, "h");
        assert_string_equal(config.state_directory, "/s");
        assert_string_equal(config.runtime_directory, "/r");
        check_list(config.jobs_directories, "/j1|/j2|/j 3");
        assert_string_equal(config.runner_path, "/x/batch-runner");
        assert_string_equal(config.sql_directory, "/sql");
        daemon_config_done(&config);
        diagnostics_done(&diagnostics);
}

static void test_empty_assignment_resets(void **state) {
        static const char resets[] =
                "[Daemon]\nDatabase=\nActionsPerMinute=\nLogLevel=\nLogFormat=\nLogTarget=\nLogFile=\nLogRotateSize=\n"
                "LogRotateKeep=\nTrustedClients=\nWatchGroup=\nActGroup=\nHostName=\nStateDirectory=\nRuntimeDirectory="
                "\n"
                "JobsDirectory=\nRunnerPath=\nSqlDirectory=\n";
        struct diagnostics diagnostics = {0};
        struct daemon_config config;

        assert_int_equal(parse(&config, everything, resets, &diagnostics), 0);
        check_defaults(&config);
        daemon_config_done(&config);
        diagnostics_done(&diagnostics);
}

static void test_dropin_overrides(void **state) {
        struct diagnostics diagnostics = {0};
        struct daemon_config config;

        assert_int_equal(parse(&config, everything, "[Daemon]\nLogFormat=text\nJobsDirectory=\nJobsDirectory=/only\n",
                               &diagnostics),
                         0);
        assert_false(config.log_json);
        check_list(config.jobs_directories, "/only");
        daemon_config_done(&config);
        diagnostics_done(&diagnostics);
}

static void test_errors(void **state) {
        static const struct {
                const char *text;
                const char *expected;
        } rows[] = {
                {"[Daemon]\nDatabas=x\n", "c:2: unknown key Databas= in [Daemon]; did you mean Database=?"},
                {"[Deamon]\n",
                 "c:1: unknown section [Deamon]; batchd.conf has [Daemon], [Limit NAME] and [Alert NAME]"},
                {"LogLevel=info\n", "c:1: an assignment before the first section; begin the file with [Daemon]"},
                {"[Daemon]\nLogLevel=loud\n",
                 "c:2: LogLevel=: \"loud\" does not fit; it takes one of debug, info, notice, warning, err, crit"},
                {"[Daemon]\nLogFormat=xml\n", "c:2: LogFormat=: \"xml\" does not fit; it takes one of text, json"},
                {"[Daemon]\nLogTarget=syslog\n",
                 "c:2: LogTarget=: \"syslog\" does not fit; it takes one of journal, console, file"},
                {"[Daemon]\nActionsPerMinute=0\n",
                 "c:2: ActionsPerMinute=: \"0\" does not fit; it takes an integer from 1 to 1000000"},
                {"[Daemon]\nStateDirectory=state\n",
                 "c:2: StateDirectory=: \"state\" does not fit; it takes an absolute path, beginning with /"},
                {"[Daemon]\nJobsDirectory=/a b\n", "c:2: JobsDirectory=: \"b\" does not fit; it takes absolute paths"},
                {"[Limit a b]\n",
                 "c:1: [Limit]: write [Limit NAME]; a name takes letters, digits, _ - and ., at most 64, and begins with none of - ."},
                {"[Limit]\nSlots=1\n",
                 "c:1: [Limit]: write [Limit NAME]; a name takes letters, digits, _ - and ., at most 64, and begins with none of - ."},
                {"[Limit a]\nSlots=-1\n", "c:2: Slots=: \"-1\" does not fit; it takes an integer from 0 to 1000000"},
                {"[Limit a]\nSlot=1\n", "c:2: unknown key Slot= in [Limit]; did you mean Slots=?"},
                {"[Daemon]\nExec=x\n", "c:2: Exec= is no key of [Daemon]; it belongs in [Step] of a job file"},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct diagnostics diagnostics = {0};
                struct daemon_config config;
                char *line;

                assert_int_equal(parse(&config, rows[i].text, "", &diagnostics), -EINVAL);
                assert_int_equal(diagnostics.count, 1);
                line = diagnostic_to_string(&diagnostics.items[0]);
                assert_string_equal(line, rows[i].expected);
                free(line);
                diagnostics_done(&diagnostics);
        }
}

static void test_limits(void **state) {
        struct diagnostics diagnostics = {0};
        struct daemon_config config;
        struct limit_set copy;

        assert_int_equal(parse(&config, "[Limit warehouse]\nSlots=20\n[Daemon]\n[Limit gpu]\n",
                               "[Limit warehouse]\nSlots=5\n", &diagnostics),
                         0);
        assert_int_equal(config.limits.count, 2);
        assert_int_equal(limit_set_find(&config.limits, "warehouse")->slots, 5);
        assert_int_equal(limit_set_find(&config.limits, "gpu")->slots, 1);
        assert_null(limit_set_find(&config.limits, "none"));
        assert_string_equal(limit_set_suggest(&config.limits, "wharehouse"), "warehouse");
        copy = limit_set_copy(&config.limits);
        daemon_config_done(&config);
        assert_int_equal(limit_set_find(&copy, "gpu")->slots, 1);
        limit_set_done(&copy);
        diagnostics_done(&diagnostics);
}

static void test_section_keys(void **state) {
        static const struct {
                const char *section;
                const char *first, *other;
        } rows[] = {
                {"Job", "Description", "DefaultMode"}, {"Parameter", "Type", "Pattern"},
                {"Mode", "Steps", "Description"},      {"Step", "Exec", "Nice"},
                {"Daemon", "Database", "HostName"},    {"Alert", "Url", "Retries"},
                {"Limit", "Slots", "Slots"},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *const *keys = config_section_keys(rows[i].section);

                assert_true(streq_null(keys[0], rows[i].first));
                assert_true(strv_contains((char *const *)(uintptr_t)keys, rows[i].other));
        }
        assert_null(config_section_keys("None")[0]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_everything),
                cmocka_unit_test(test_empty_assignment_resets),
                cmocka_unit_test(test_dropin_overrides),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_section_keys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
