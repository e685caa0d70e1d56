/* What is said to systemd, with sockets of our own in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "activation.h"
#include "fileutil.h"
#include "job_type.h"
#include "journal.h"
#include "loop.h"
#include "notify.h"
#include "sockutil.h"
#include "strutil.h"
#include "watchdog.h"
#include "xalloc.h"

struct place {
        char folder[64];
        char path[128];
        int fd; /* a datagram socket bound to path */
};

static int set_up(void **state) {
        struct place *place = NEW(struct place);

        (void)snprintf(place->folder, sizeof(place->folder), "/tmp/batchd-service.XXXXXX");
        assert_non_null(mkdtemp(place->folder));
        (void)snprintf(place->path, sizeof(place->path), "%s/socket", place->folder);
        place->fd = unix_listen(place->path, SOCK_DGRAM | SOCK_NONBLOCK, 0600, 0);
        assert_true(place->fd >= 0);
        *state = place;
        return 0;
}

static int tear_down(void **state) {
        struct place *place = *state;

        (void)close(place->fd);
        (void)remove_tree(place->folder);
        free(place);
        return 0;
}

/* The next datagram as text, "" when there is none; a descriptor in *ret_fd. */
static const char *receive(const struct place *place, int *ret_fd) {
        static char text[4096];
        size_t n_fds = 0;
        ssize_t n = recv_with_fds(place->fd, text, sizeof(text) - 1, ret_fd, ret_fd ? 1 : 0, &n_fds);

        if (ret_fd && n_fds == 0)
                *ret_fd = -1;
        text[n > 0 ? n : 0] = 0;
        return text;
}

/* Sends until the receiver's queue is full. */
static int fill_queue(const struct place *place) {
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int n = 0;

        memcpy(address.sun_path, place->path, strlen(place->path) + 1);
        while (sendto(fd, "x", 1, 0, (const struct sockaddr *)&address, sizeof(address)) == 1)
                n++;
        assert_int_equal(errno, EAGAIN);
        (void)close(fd);
        return n;
}

static void drain(const struct place *place, int n) {
        for (int i = 0; i < n; i++)
                assert_string_equal(receive(place, NULL), "x");
}

/* The journal */

static void test_journal_entry(void **state) {
        const struct log_context about = {.message_id = "6e702c3fc2b74595b628abc78f81ae2c",
                                          .run_id = "r-1",
                                          .job = "weekly",
                                          .step = "odds",
                                          .item = ""};
        static const char expected[] =
                "MESSAGE\n\x0b\0\0\0\0\0\0\0two\nlines=\x01\n"
                "PRIORITY=4\nSYSLOG_IDENTIFIER=batchd\n"
                "MESSAGE_ID=6e702c3fc2b74595b628abc78f81ae2c\nBATCH_RUN_ID=r-1\nBATCH_JOB=weekly\nBATCH_STEP=odds\n";
        struct buf entry = BUF_INIT(4096);

        assert_int_equal(journal_encode(&entry, "batchd", LOG_LEVEL_WARNING, &about, "two\nlines=\x01"), 0);
        assert_int_equal(entry.len, sizeof(expected) - 1);
        assert_memory_equal(buf_data(&entry), expected, entry.len);
        buf_clear(&entry);
        assert_int_equal(journal_encode(&entry, "batchd", LOG_LEVEL_INFO, NULL, ""), 0);
        assert_string_equal(buf_data(&entry), "MESSAGE=\nPRIORITY=6\nSYSLOG_IDENTIFIER=batchd\n");
        buf_done(&entry);
}

static void test_journal_never_waits(void **state) {
        const struct place *place = *state;
        struct journal *journal;
        int n;

        assert_int_equal(journal_open(&journal, place->path, "batchd"), 0);
        assert_int_equal(journal_send(journal, LOG_LEVEL_INFO, NULL, "one"), 0);
        assert_string_equal(receive(place, NULL), "MESSAGE=one\nPRIORITY=6\nSYSLOG_IDENTIFIER=batchd\n");
        n = fill_queue(place);
        for (int i = 0; i < 3; i++)
                assert_int_equal(journal_send(journal, LOG_LEVEL_INFO, NULL, "dropped"), -EAGAIN);
        assert_int_equal(journal_lost(journal), 3);
        drain(place, n);
        assert_int_equal(journal_send(journal, LOG_LEVEL_INFO, NULL, "two"), 0);
        assert_non_null(startswith(receive(place, NULL), "MESSAGE=3 messages are missing here"));
        assert_non_null(startswith(receive(place, NULL), "MESSAGE=two\n"));
        assert_int_equal(journal_lost(journal), 0);
        journal_close(journal);
}

static void test_journal_long_entry(void **state) {
        const struct place *place = *state;
        size_t len = 900 * 1000;
        char *text = xmalloc(len + 1);
        struct journal *journal;
        struct stat status;
        int fd;

        memset(text, 'y', len);
        text[len] = 0;
        assert_int_equal(journal_open(&journal, place->path, "batchd"), 0);
        assert_int_equal(journal_send(journal, LOG_LEVEL_INFO, NULL, text), 0);
        assert_string_equal(receive(place, &fd), "");
        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &status), 0);
        assert_int_equal(status.st_size, len + strlen("MESSAGE=\nPRIORITY=6\nSYSLOG_IDENTIFIER=batchd\n"));
        assert_int_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
        (void)close(fd);
        journal_close(journal);
        free(text);
}

static void test_journal_away(void **state) {
        struct journal *journal;

        assert_int_equal(journal_open(&journal, "/nonexistent/journal", "batchd"), 0);
        assert_int_equal(journal_send(journal, LOG_LEVEL_INFO, NULL, "a"), -ENOENT);
        assert_int_equal(journal_lost(journal), 1);
        journal_close(journal);
}

/* sd_notify */

static void test_notify(void **state) {
        const struct place *place = *state;
        struct notifier notifier;
        int fd;

        assert_int_equal(setenv("NOTIFY_SOCKET", place->path, 1), 0);
        assert_int_equal(notifier_init(&notifier), 0);
        assert_null(getenv("NOTIFY_SOCKET"));
        assert_true(notifier_is_active(&notifier));
        assert_int_equal(notifier_ready(&notifier, "idle"), 0);
        assert_string_equal(receive(place, NULL), "READY=1\nSTATUS=idle");
        assert_int_equal(notifier_status(&notifier, "idle"), 0);
        assert_int_equal(notifier_status(&notifier, "1 run\nREADY=1"), 0);
        assert_string_equal(receive(place, NULL), "STATUS=1 run READY=1");
        assert_int_equal(notifier_reloading(&notifier), 0);
        assert_non_null(startswith(receive(place, NULL), "RELOADING=1\nMONOTONIC_USEC="));
        assert_int_equal(notifier_extend_timeout(&notifier, 5 * USEC_PER_SEC), 0);
        assert_string_equal(receive(place, NULL), "EXTEND_TIMEOUT_USEC=5000000");
        assert_int_equal(notifier_store_fd(&notifier, STDIN_FILENO, "control"), 0);
        assert_string_equal(receive(place, &fd), "FDSTORE=1\nFDNAME=control\nFDPOLL=0");
        assert_true(fd >= 0);
        (void)close(fd);
        assert_int_equal(notifier_remove_fd(&notifier, "control"), 0);
        assert_string_equal(receive(place, NULL), "FDSTOREREMOVE=1\nFDNAME=control");
        assert_int_equal(notifier_stopping(&notifier, NULL), 0);
        assert_string_equal(receive(place, NULL), "STOPPING=1");
        notifier_done(&notifier);
}

static void test_notify_keeps_what_matters(void **state) {
        const struct place *place = *state;
        struct notifier notifier;
        int n;

        assert_int_equal(setenv("NOTIFY_SOCKET", place->path, 1), 0);
        assert_int_equal(notifier_init(&notifier), 0);
        n = fill_queue(place);
        assert_int_equal(notifier_ready(&notifier, "idle"), -EAGAIN);
        assert_int_equal(notifier_status(&notifier, "busy"), -EAGAIN);
        drain(place, n);
        assert_int_equal(notifier_watchdog(&notifier), 0);
        assert_string_equal(receive(place, NULL), "READY=1\nSTATUS=idle\n");
        assert_string_equal(receive(place, NULL), "WATCHDOG=1");
        assert_string_equal(receive(place, NULL), "");
        /* The status that was dropped is not taken for said. */
        assert_int_equal(notifier_status(&notifier, "busy"), 0);
        assert_string_equal(receive(place, NULL), "STATUS=busy");
        notifier_done(&notifier);
}

static void test_notify_without_a_manager(void **state) {
        struct notifier notifier;

        (void)unsetenv("NOTIFY_SOCKET");
        assert_int_equal(notifier_init(&notifier), 0);
        assert_false(notifier_is_active(&notifier));
        assert_int_equal(notifier_ready(&notifier, "idle"), 0);
        assert_int_equal(notifier_store_fd(&notifier, 0, "control"), 0);
        notifier_done(&notifier);
        assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
        assert_int_equal(notifier_init(&notifier), -EINVAL);
        assert_false(notifier_is_active(&notifier));
        notifier_done(&notifier);
}

static void test_notify_abstract(void **state) {
        const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0batchd-test-service"};
        struct place place = {.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
        struct notifier notifier;

        assert_int_equal(bind(place.fd, (const struct sockaddr *)&address,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen("batchd-test-service"))),
                         0);
        assert_int_equal(setenv("NOTIFY_SOCKET", "@batchd-test-service", 1), 0);
        assert_int_equal(notifier_init(&notifier), 0);
        assert_int_equal(notifier_watchdog(&notifier), 0);
        assert_string_equal(receive(&place, NULL), "WATCHDOG=1");
        notifier_done(&notifier);
        (void)close(place.fd);
}

/* The watchdog */

static bool healthy;

static bool is_healthy(usec_t span, void *user) {
        return healthy;
}

static void leave(void *user) {
        loop_exit(user, 0);
}

static int count_pings(const struct place *place) {
        int n = 0;

        while (streq(receive(place, NULL), "WATCHDOG=1"))
                n++;
        return n;
}

static void run_for(struct loop *loop, usec_t span) {
        struct loop_timer *timer;

        assert_int_equal(loop_timer_new(loop, &timer, leave, loop), 0);
        loop_timer_arm(timer, span);
        assert_int_equal(loop_run(loop), 0);
        loop_timer_free(timer);
}

static void test_watchdog(void **state) {
        const struct place *place = *state;
        struct watchdog *watchdog = NULL;
        struct notifier notifier;
        struct loop *loop;

        assert_int_equal(setenv("NOTIFY_SOCKET", place->path, 1), 0);
        assert_int_equal(setenv("WATCHDOG_USEC", "60000", 1), 0);
        (void)unsetenv("WATCHDOG_PID");
        assert_int_equal(notifier_init(&notifier), 0);
        assert_int_equal(loop_new(&loop), 0);
        healthy = true;
        assert_int_equal(watchdog_start(&watchdog, loop, &notifier, is_healthy, NULL), 0);
        assert_non_null(watchdog);
        assert_null(getenv("WATCHDOG_USEC"));
        usec_t began = now_boottime();
        unsigned pings = 0;
        for (int i = 0; i < 300 && pings < 5; i++) {
                run_for(loop, 50 * USEC_PER_MSEC);
                pings += (unsigned)count_pings(place);
        }
        /* One in 20 ms, however late some of them came. */
        assert_in_range(pings, 5, 2 + (now_boottime() - began) / (15 * USEC_PER_MSEC));
        healthy = false;
        run_for(loop, 100 * USEC_PER_MSEC);
        assert_int_equal(count_pings(place), 0);
        watchdog_free(watchdog);
        loop_free(loop);
        notifier_done(&notifier);
}

static void test_watchdog_of_another(void **state) {
        struct watchdog *watchdog = NULL;

        assert_int_equal(setenv("WATCHDOG_USEC", "60000", 1), 0);
        assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
        assert_int_equal(watchdog_start(&watchdog, NULL, NULL, NULL, NULL), 0);
        assert_null(watchdog);
}

/* Activation: in a process of its own, since the descriptors are counted from 3 */

#define NOT_ACTIVATED 1

static int take_in_child(const int *fds, int n, const char *names) {
        int copies[8], fd = -1;
        unsigned closed = 0;
        char text[32];

        /* Out of the way first: a source may itself be 3 or 4. */
        for (int i = 0; i < n; i++)
                copies[i] = fcntl(fds[i], F_DUPFD, 50);
        for (int i = 0; i < n; i++)
                if (dup2(copies[i], 3 + i) < 0)
                        return 100;
        (void)snprintf(text, sizeof(text), "%d", (int)getpid());
        (void)setenv("LISTEN_PID", text, 1);
        (void)snprintf(text, sizeof(text), "%d", n);
        (void)setenv("LISTEN_FDS", text, 1);
        (void)setenv("LISTEN_FDNAMES", names, 1);
        if (activation_take_socket("control", &fd, &closed) < 0 || getenv("LISTEN_FDS"))
                return 101;
        for (int i = 0; i < n; i++)
                if (3 + i != fd && fcntl(3 + i, F_GETFD) >= 0)
                        return 102;
        if (fd >= 0 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
                return 103;
        if (closed != (unsigned)(fd >= 0 ? n - 1 : n))
                return 104;
        return fd >= 0 ? fd : NOT_ACTIVATED;
}

static int take(const int *fds, int n, const char *names) {
        int status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(take_in_child(fds, n, names));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_activation(void **state) {
        const struct place *place = *state;
        char path[160];
        int listener, other[2], fds[4];

        (void)snprintf(path, sizeof(path), "%s/control.sock", place->folder);
        listener = unix_listen(path, SOCK_STREAM, 0666, 5);
        assert_true(listener >= 0);
        assert_int_equal(pipe(other), 0);
        fds[0] = listener;
        fds[1] = listener;
        fds[2] = other[0];
        assert_int_equal(take(fds, 1, "control"), 3);
        assert_int_equal(take(fds, 3, "something:control:else"), 4);
        assert_int_equal(take(fds, 2, "control:control"), 3);
        assert_int_equal(take(fds, 1, "else"), NOT_ACTIVATED);
        /* Of the right name and the wrong kind */
        assert_int_equal(take(&fds[2], 1, "control"), NOT_ACTIVATED);
        assert_int_equal(take(&place->fd, 1, "control"), NOT_ACTIVATED);
        /* Nobody finds a socket whose file is gone. */
        assert_int_equal(unlink(path), 0);
        assert_int_equal(take(fds, 1, "control"), NOT_ACTIVATED);
        (void)close(listener);
        (void)close(other[0]);
        (void)close(other[1]);
}

/* The unit's job */

static void test_job_words(void **state) {
        assert_int_equal(job_type_from_systemd("stop"), JOB_TYPE_STOP);
        assert_int_equal(job_type_from_systemd("restart"), JOB_TYPE_RESTART);
        assert_int_equal(job_type_from_systemd("try-restart"), JOB_TYPE_RESTART);
        assert_int_equal(job_type_from_systemd("start"), JOB_TYPE_NONE);
        assert_int_equal(job_type_from_systemd("reload"), JOB_TYPE_NONE);
        assert_int_equal(job_type_from_systemd("shutdown"), JOB_TYPE_NONE);
        assert_string_equal(job_type_to_string(JOB_TYPE_STOP), "stop");
        assert_string_equal(job_type_to_string(JOB_TYPE_SHUTDOWN), "shutdown");
}

static void test_job_without_bus(void **state) {
        const struct place *place = *state;
        enum job_type type = JOB_TYPE_STOP;
        char address[256], path[160];
        usec_t start;
        int listener;

        assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
        assert_int_equal(job_type_query("batchd.service", USEC_PER_SEC, &type), -ENOENT);
        /* A bus that takes the connection and never answers costs the time given and no more. */
        (void)snprintf(path, sizeof(path), "%s/bus", place->folder);
        listener = unix_listen(path, SOCK_STREAM, 0666, 5);
        (void)snprintf(address, sizeof(address), "unix:path=%s", path);
        assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1), 0);
        start = now_boottime();
        assert_int_equal(job_type_query("batchd.service", 100 * USEC_PER_MSEC, &type), -ETIMEDOUT);
        assert_in_range(now_boottime() - start, 90 * USEC_PER_MSEC, 20 * USEC_PER_SEC);
        assert_int_equal(type, JOB_TYPE_STOP);
        (void)close(listener);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_journal_entry),
                TEST(test_journal_never_waits),
                TEST(test_journal_long_entry),
                cmocka_unit_test(test_journal_away),
                TEST(test_notify),
                TEST(test_notify_keeps_what_matters),
                cmocka_unit_test(test_notify_without_a_manager),
                cmocka_unit_test(test_notify_abstract),
                TEST(test_watchdog),
                cmocka_unit_test(test_watchdog_of_another),
                TEST(test_activation),
                cmocka_unit_test(test_job_words),
                TEST(test_job_without_bus),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
