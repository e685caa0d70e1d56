/* How often one may act, how long one waits after wrong passwords, who has a session, whose a token is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

#include "cleanup.h"
#include "fileutil.h"
#include "macro.h"
#include "password.h"
#include "sessions.h"
#include "throttle.h"
#include "tokens.h"
#include "xalloc.h"

static void test_actions(void **state) {
        struct throttle *throttle = throttle_new(5);
        usec_t now = USEC_PER_HOUR;

        for (int i = 0; i < 5; i++)
                assert_int_equal(throttle_take(throttle, "a", now), 0);
        usec_t wait = throttle_take(throttle, "a", now);
        assert_in_range(wait, 12 * USEC_PER_SEC, 12 * USEC_PER_SEC + 10);
        assert_int_equal(throttle_take(throttle, "b", now), 0);
        assert_true(throttle_take(throttle, "a", now + wait - USEC_PER_SEC) > 0);
        assert_int_equal(throttle_take(throttle, "a", now + wait), 0);
        /* A quiet hour gives five, not three hundred. */
        now += USEC_PER_HOUR;
        for (int i = 0; i < 5; i++)
                assert_int_equal(throttle_take(throttle, "a", now), 0);
        assert_true(throttle_take(throttle, "a", now) > 0);
        throttle_free(throttle);
}

static void test_many_addresses(void **state) {
        struct throttle *throttle = throttle_new(1);
        char key[32];

        for (int i = 0; i < 3 * THROTTLE_ADDRESSES_MAX; i++) {
                (void)snprintf(key, sizeof(key), "10.%d.%d.1", i / 256, i % 256);
                assert_int_equal(throttle_take(throttle, key, USEC_PER_HOUR + (usec_t)i), 0);
        }
        assert_true(throttle_take(throttle, key, USEC_PER_HOUR + 4096) > 0);
        throttle_free(throttle);
}

static void test_wrong_passwords(void **state) {
        struct throttle *throttle = throttle_new(5);
        usec_t now = USEC_PER_HOUR, waited = 0;

        for (unsigned i = 0; i < 12; i++) {
                usec_t wait;

                assert_int_equal(throttle_try_password(throttle, "a", now), 0);
                wait = throttle_try_password(throttle, "a", now);
                assert_true(wait == (i < 9 ? MIN(USEC_PER_SEC << i, 5 * USEC_PER_MINUTE) : 5 * USEC_PER_MINUTE));
                assert_true(wait >= waited);
                waited = wait;
                now += wait;
        }
        assert_int_equal(throttle_try_password(throttle, "b", now), 0);
        assert_int_equal(throttle_try_password(throttle, "a", now), 0);
        throttle_password_was_right(throttle, "a");
        assert_int_equal(throttle_try_password(throttle, "a", now), 0);
        assert_true(throttle_try_password(throttle, "a", now) == USEC_PER_SEC);
        throttle_free(throttle);
}

static void test_sessions(void **state) {
        struct sessions *sessions;
        char first[SECRET_SIZE];
        usec_t now = USEC_PER_DAY;

        assert_int_equal(sessions_new(&sessions, USEC_PER_HOUR, -1), 0);
        memcpy(first, sessions_add(sessions, now)->id, SECRET_SIZE);
        assert_non_null(sessions_find(sessions, first, now + USEC_PER_HOUR));
        assert_non_null(sessions_find(sessions, first, now + 2 * USEC_PER_HOUR));
        assert_null(sessions_find(sessions, first, now + 3 * USEC_PER_HOUR + 1));
        assert_null(sessions_find(sessions, "", now));
        now += USEC_PER_DAY;
        memcpy(first, sessions_add(sessions, now)->id, SECRET_SIZE);
        for (usec_t i = 1; i <= SESSIONS_MAX; i++)
                assert_string_not_equal(sessions_add(sessions, now + i)->id, first);
        assert_null(sessions_find(sessions, first, now + SESSIONS_MAX));
        struct web_session *session = sessions_add(sessions, now + SESSIONS_MAX + 1);
        assert_string_not_equal(session->id, session->csrf);
        memcpy(first, session->id, SECRET_SIZE);
        sessions_remove(sessions, first);
        assert_null(sessions_find(sessions, first, now + SESSIONS_MAX + 2));
        sessions_free(sessions);
}

/* The memory of one process is taken up by the next, while the password is the same. */
static void test_sessions_outlive_a_process(void **state) {
        usec_t now = USEC_PER_DAY;
        struct sessions *sessions;
        char id[SECRET_SIZE];
        int fd;

        assert_int_equal(sessions_new(&sessions, USEC_PER_HOUR, -1), 0);
        sessions_set_password(sessions, "$y$one");
        memcpy(id, sessions_add(sessions, now)->id, SECRET_SIZE);
        fd = dup(sessions_fd(sessions));
        sessions_free(sessions);
        assert_true(sessions_fd_is_usable(fd));
        assert_int_equal(sessions_new(&sessions, USEC_PER_HOUR, dup(fd)), 0);
        sessions_set_password(sessions, "$y$one");
        assert_non_null(sessions_find(sessions, id, now + USEC_PER_HOUR));
        assert_null(sessions_find(sessions, id, now + 3 * USEC_PER_HOUR));
        memcpy(id, sessions_add(sessions, now)->id, SECRET_SIZE);
        assert_non_null(sessions_find(sessions, id, now));
        sessions_set_password(sessions, "$y$another");
        assert_null(sessions_find(sessions, id, now));
        sessions_free(sessions);
        /* Of another layout. */
        assert_int_equal(pwrite(fd, "x", 1, 0), 1);
        assert_false(sessions_fd_is_usable(fd));
        (void)close(fd);
        fd = memfd_create("other", MFD_CLOEXEC);
        assert_false(sessions_fd_is_usable(fd));
        (void)close(fd);
        assert_false(sessions_fd_is_usable(STDERR_FILENO));
}

static void test_hash(void **state) {
        char hash[SECRET_SIZE];

        /* FIPS 180-4's example. */
        secret_hash("abc", hash);
        assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_true(secret_equal("", ""));
        assert_false(secret_equal("a", "b"));
        assert_false(secret_equal("a", "ab"));
}

static void write_text(const char *path, const char *text) {
        assert_int_equal(write_file_atomic(path, text, strlen(text), 0600), 0);
}

static void test_tokens(void **state) {
        _cleanup_free_ char *path = xasprintf("/tmp/bt-tokens-%d", (int)getpid()), *error = NULL, *text = NULL;
        char secret[SECRET_SIZE], hash[SECRET_SIZE];
        struct tokens tokens = {0};

        secret_generate(secret);
        secret_hash(secret, hash);
        text = xasprintf("# scripts\n\n  deploy act %s\r\ngrafana\twatch %s\n", hash,
                         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        write_text(path, text);
        assert_int_equal(tokens_load(&tokens, path, &error), 0);
        assert_int_equal(tokens.n_entries, 2);
        assert_string_equal(tokens_find(&tokens, secret)->name, "deploy");
        assert_true(tokens_find(&tokens, secret)->may_act);
        assert_false(tokens_find(&tokens, "abc")->may_act);
        assert_null(tokens_find(&tokens, hash));
        assert_null(tokens_find(&tokens, ""));
        /* A mistake names its line, and leaves what was. */
        write_text(path, "deploy act\n");
        assert_int_equal(tokens_load(&tokens, path, &error), -EINVAL);
        assert_non_null(strstr(error, ":1: "));
        assert_int_equal(tokens.n_entries, 2);
        (void)unlink(path);
        assert_int_equal(tokens_load(&tokens, path, &error), 0);
        assert_int_equal(tokens.n_entries, 0);
        tokens_done(&tokens);
}

static void test_password_hashes(void **state) {
        _cleanup_free_ char *hash = password_hash("correct horse");

        assert_non_null(hash);
        assert_memory_equal(hash, "$y$", 3);
        assert_true(password_hash_is_usable(hash));
        assert_false(password_hash_is_usable("correct horse"));
        assert_false(password_hash_is_usable(""));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_actions),  cmocka_unit_test(test_many_addresses),
                cmocka_unit_test(test_hash),     cmocka_unit_test(test_wrong_passwords),
                cmocka_unit_test(test_sessions), cmocka_unit_test(test_sessions_outlive_a_process),
                cmocka_unit_test(test_tokens),   cmocka_unit_test(test_password_hashes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
