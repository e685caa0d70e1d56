/* Files, sockets, checksums. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checksum.h"
#include "cleanup.h"
#include "fileutil.h"
#include "sockutil.h"
#include "strutil.h"
#include "unit.h"
#include "uuid.h"
#include "xalloc.h"

static char *folder;

static int set_up(void **state) {
        char name[] = "/tmp/test-base.XXXXXX";

        (void)state;
        folder = xstrdup(mkdtemp(name));
        return 0;
}

static int tear_down(void **state) {
        (void)state;
        (void)remove_tree(folder);
        free(folder);
        return 0;
}

static void files_are_replaced_whole(void **state) {
        _cleanup_free_ char *path = path_join(folder, "file"), *text = NULL;
        size_t len;

        (void)state;
        assert_int_equal(write_file_atomic(path, "one", 3, 0600), 0);
        assert_int_equal(write_file_atomic(path, "three", 5, 0640), 0);
        assert_int_equal(read_file(path, 100, &text, &len), 0);
        assert_string_equal(text, "three");
        assert_int_equal(len, 5);
        assert_int_equal(read_file(path, 4, &text, NULL), -E2BIG);
        assert_int_equal(read_file("/does/not/exist", 4, &text, NULL), -ENOENT);
}

static void trees_are_removed_but_links_not_followed(void **state) {
        _cleanup_free_ char *tree = path_join(folder, "tree"), *deep = path_join(tree, "a/b/c");
        _cleanup_free_ char *outside = path_join(folder, "outside"), *inside = path_join(tree, "a/link");
        _cleanup_free_ char *kept = path_join(outside, "kept");

        (void)state;
        assert_int_equal(mkdir_parents(deep, 0700), 0);
        assert_int_equal(mkdir_parents(deep, 0700), 0);
        assert_int_equal(mkdir_parents(outside, 0700), 0);
        assert_int_equal(write_file_atomic(kept, "x", 1, 0600), 0);
        assert_int_equal(symlink(outside, inside), 0);
        assert_int_equal(remove_tree(tree), 0);
        assert_int_equal(access(tree, F_OK), -1);
        assert_int_equal(access(kept, F_OK), 0);
        assert_int_equal(mkdir_parents(kept, 0700), -ENOTDIR);
}

static void trees_are_removed_in_parts(void **state) {
        _cleanup_free_ char *tree = path_join(folder, "parts"), *deep = path_join(tree, "a/b/c");
        _cleanup_free_ char *last = path_join(tree, "last");
        static const char *const folders[] = {"", "a", "a/b", "a/b/c"};
        unsigned parts = 0;

        (void)state;
        assert_int_equal(mkdir_parents(deep, 0700), 0);
        assert_int_equal(write_file_atomic(last, "", 0, 0600), 0);
        for (size_t i = 0; i < 3 * ELEMENTSOF(folders); i++) {
                _cleanup_free_ char *path = xasprintf("%s/%s/%zu", tree, folders[i / 3], i);
                assert_int_equal(write_file_atomic(path, "x", 1, 0600), 0);
        }
        while (remove_tree_part(tree, 2, "last") == 1) {
                assert_int_equal(access(last, F_OK), 0);
                parts++;
        }
        assert_true(parts >= 5);
        assert_int_equal(access(tree, F_OK), -1);
        assert_int_equal(remove_tree_part(tree, 2, "last"), -ENOENT);
}

static void components_cannot_leave_their_folder(void **state) {
        _cleanup_free_ char *up = path_escape_component("../../etc/passwd"), *dot = path_escape_component(".");
        _cleanup_free_ char *plain = path_escape_component("portfolio-7_A.b"), *percent = path_escape_component("50%");
        char text[400];
        _cleanup_free_ char *cut = NULL, *other = NULL;

        (void)state;
        assert_string_equal(up, "%2E.%2F..%2Fetc%2Fpasswd");
        assert_string_equal(dot, "%2E");
        assert_string_equal(plain, "portfolio-7_A.b");
        assert_string_equal(percent, "50%25");
        memset(text, 'a', sizeof(text) - 1);
        text[sizeof(text) - 1] = 0;
        cut = path_escape_component(text);
        text[sizeof(text) - 2] = 'b';
        other = path_escape_component(text);
        assert_int_equal(strlen(cut), 128);
        assert_string_not_equal(cut, other);
}

static void stale_sockets_are_replaced(void **state) {
        _cleanup_free_ char *path = path_join(folder, "socket");
        int first, second, client;
        struct stat st;

        (void)state;
        first = unix_listen(path, SOCK_STREAM, 0666, 5);
        assert_true(first >= 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0666);
        assert_int_equal(unix_listen(path, SOCK_STREAM, 0666, 5), -EADDRINUSE);
        (void)close(first);
        second = unix_listen(path, SOCK_STREAM, 0600, 5);
        assert_true(second >= 0);
        client = unix_connect(path, SOCK_STREAM);
        assert_true(client >= 0);
        (void)close(client);
        (void)close(second);
        assert_int_equal(unix_connect(path, SOCK_STREAM), -ECONNREFUSED);
        memset(path, 'x', strlen(path));
        assert_int_equal(unix_connect("/nowhere/at/all", SOCK_STREAM), -ENOENT);
}

static void descriptors_travel(void **state) {
        int pair[2], received[2], pipefd[2];
        size_t n = 0;
        char text[8];

        (void)state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
        assert_int_equal(pipe(pipefd), 0);
        assert_int_equal(send_with_fds(pair[0], "hello", 5, pipefd, 2), 0);
        assert_int_equal(recv_with_fds(pair[1], text, sizeof(text), received, 1, &n), 5);
        /* The second one was more than asked for, and is closed: the write end that came stays without a reader once
         * ours is gone. */
        assert_int_equal(n, 1);
        assert_true(fcntl(received[0], F_GETFD) & FD_CLOEXEC);
        (void)close(pipefd[1]);
        (void)close(pipefd[0]);
        assert_int_equal(read(received[0], text, 1), 0);
        (void)close(received[0]);
        (void)close(pair[0]);
        (void)close(pair[1]);
}

static void the_peer_is_known(void **state) {
        struct peer peer = {0};
        int pair[2];

        (void)state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        assert_int_equal(peer_read(pair[0], &peer), 0);
        assert_int_equal(peer.uid, geteuid());
        assert_int_equal(peer.pid, getpid());
        assert_true(peer_in_group(&peer, getegid()));
        peer_done(&peer);
        (void)close(pair[0]);
        (void)close(pair[1]);
}

/* Test vectors: RFC 3720, B.4 and the FNV page of Landon Curt Noll. */
static void checksums_are_the_published_ones(void **state) {
        unsigned char zeros[32] = {0}, ones[32];

        (void)state;
        memset(ones, 0xff, sizeof(ones));
        assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
        assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43);
        assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
        assert_true(fnv64(FNV64_START, "a", 1) == 0xaf63dc4c8601ec8cULL);
}

static void uuids_are_random_version_4(void **state) {
        char a[UUID_SIZE], b[UUID_SIZE];

        (void)state;
        uuid_generate_text(a);
        uuid_generate_text(b);
        assert_true(uuid_is_valid(a));
        assert_string_not_equal(a, b);
        assert_int_equal(a[14], '4');
        assert_false(uuid_is_valid("not-a-uuid"));
        a[8] = 'x';
        assert_false(uuid_is_valid(a));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(files_are_replaced_whole),
                cmocka_unit_test(trees_are_removed_but_links_not_followed),
                cmocka_unit_test(trees_are_removed_in_parts),
                cmocka_unit_test(components_cannot_leave_their_folder),
                cmocka_unit_test(stale_sockets_are_replaced),
                cmocka_unit_test(descriptors_travel),
                cmocka_unit_test(the_peer_is_known),
                cmocka_unit_test(checksums_are_the_published_ones),
                cmocka_unit_test(uuids_are_random_version_4),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
