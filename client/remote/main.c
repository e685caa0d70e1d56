/* batch-http: started by `batchctl --url`, with the control protocol on standard input (a socket) and a server's URL.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "fileutil.h"
#include "remote.h"
#include "strutil.h"
#include "xalloc.h"

#define TOKEN_FILE_MAX ((size_t)4096)

/* $BATCHD_TOKEN, or the content of the file that $BATCHD_TOKEN_FILE names; never an argument, which all users can see.
 * New string or NULL; false: the file cannot be read. */
static bool read_token(char **ret) {
        const char *token = getenv("BATCHD_TOKEN"), *path = getenv("BATCHD_TOKEN_FILE");
        _cleanup_free_ char *text = NULL;
        int r;

        *ret = NULL;
        if (token && *token) {
                *ret = xstrdup(token);
                return true;
        }
        if (!path || !*path)
                return true;
        r = read_file(path, TOKEN_FILE_MAX, &text, NULL);
        if (r < 0) {
                (void)fprintf(stderr, "batchctl: the file of the token cannot be read: %s: %s\n", path, strerror(-r));
                return false;
        }
        *ret = xstrdup(strstrip(text));
        return true;
}

static bool is_this_machine(const char *host) {
        static const char *const own[] = {"127.0.0.1", "localhost", "[::1]"};

        for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
                const char *behind = startswith(host, own[i]);

                if (behind && (*behind == ':' || *behind == '/' || *behind == '\0'))
                        return true;
        }
        return false;
}

int main(int argc, char **argv) {
        _cleanup_free_ char *token = NULL;
        struct remote_config config = {0};
        const char *plain;
        int64_t seconds;

        if (argc != 3 || parse_int64_range(argv[2], 0, 3600, &seconds) < 0) {
                (void)fputs("batch-http is started by batchctl --url\n", stderr);
                return 2;
        }
        if (!read_token(&token))
                return EXIT_FAILURE;
        config.url = argv[1];
        config.token = token;
        config.ca_file = getenv("BATCHD_CA_FILE");
        config.patience = (usec_t)seconds * USEC_PER_SEC;
        plain = startswith(config.url, "http://");
        if (token && plain && !is_this_machine(plain)) {
                (void)fprintf(stderr, "batchctl: use https://: a token is not sent in the clear to another machine\n");
                return EXIT_FAILURE;
        }
        (void)signal(SIGPIPE, SIG_IGN);
        return remote_serve(&config, STDIN_FILENO);
}
