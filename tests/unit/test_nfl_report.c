/* Reports of a step: one message a report, one line a text, cut between characters, and never in the way. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "step_report.h"
#include "timeutil.h"

static char folder[] = "/tmp/nfl-report-XXXXXX";
static int listener = -1;

/* The socket is opened once a process: all tests share it. */
static int setup(void **state) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        assert_non_null(mkdtemp(folder));
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/n", folder);
        listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        return setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static int teardown(void **state) {
        char path[64];
        (void)snprintf(path, sizeof(path), "%s/n", folder);
        (void)close(listener);
        (void)unlink(path);
        return rmdir(folder);
}

static void expect(const char *expected) {
        char text[8192];
        ssize_t length = recv(listener, text, sizeof(text) - 1, 0);
        assert_true(length >= 0);
        text[length] = '\0';
        assert_string_equal(text, expected);
}

static void test_words(void **state) {
        report_status("week %d", 9);
        expect("STATUS=week 9");
        report_progress(15, 75);
        expect("PROGRESS=15/75");
        report_metric("games_processed", 16);
        expect("METRIC=games_processed+=16");
        report_warning("unknown_players", "one\ntwo\r%s", "three");
        expect("WARNING=unknown_players: one two three");
        report_note("no prices");
        expect("NOTE=no prices");
        report_item("20241103_MIA@BUF");
        expect("ITEM=20241103_MIA@BUF");
        report_records(7, 1);
        expect("RECORDS=7");
        report_records(0, 0);
        expect("RECORDS=0");
        report_records(0, 1);
        expect("RECORDS=0\nEXPECTED=0");
        report_line("PARAMETER=week=%d\nPARAMETER=season=%d", 6, 2024);
        expect("PARAMETER=week=6\nPARAMETER=season=2024");
}

static void test_long_text(void **state) {
        static char text[2 * REPORT_TEXT_MAX], expected[REPORT_TEXT_MAX + 16];
        for (size_t i = 0; i + 2 < sizeof(text); i += 2)
                memcpy(text + i, "\xc3\xa9", 2);
        report_note("x%s", text); /* the cap falls into a character */
        (void)snprintf(expected, sizeof(expected), "NOTE=x%.*s", REPORT_TEXT_MAX - 2, text);
        expect(expected);
}

static void test_heartbeat(void **state) {
        assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
        report_heartbeat();
        assert_int_equal(setenv("WATCHDOG_USEC", "1000000", 1), 0);
        report_heartbeat();
        report_heartbeat();
        expect("WATCHDOG=1");
        char text[16];
        assert_int_equal(recv(listener, text, sizeof(text), 0), -1);
}

static void test_nobody_reads(void **state) {
        usec_t began = now_boottime();
        int sent = 0;
        for (; sent < 100000 && now_boottime() - began < 100 * USEC_PER_MSEC; sent++)
                report_progress(sent, 100000);
        assert_true(now_boottime() - began < 60 * USEC_PER_SEC);
        char text[64];
        assert_true(recv(listener, text, sizeof(text), 0) > 0);
}

static void test_the_reader_is_gone(void **state) {
        (void)close(listener);
        report_status("nobody");
        report_status("still nobody");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_long_text),
                cmocka_unit_test(test_heartbeat),
                cmocka_unit_test(test_nobody_reads),
                cmocka_unit_test(test_the_reader_is_gone),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
