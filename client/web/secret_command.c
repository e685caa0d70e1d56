#include "secret_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cleanup.h"
#include "password.h"
#include "secret.h"
#include "strutil.h"

#define PASSWORD_MAX 512

/* A line of standard input, without echo on a terminal. */
static bool read_hidden(const char *prompt, char ret[static PASSWORD_MAX]) {
        struct termios before, hidden;
        bool is_terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
        bool ok;

        if (is_terminal) {
                hidden = before;
                hidden.c_lflag &= ~(tcflag_t)ECHO;
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
                (void)fputs(prompt, stderr);
        }
        ok = fgets(ret, PASSWORD_MAX, stdin) != NULL;
        if (is_terminal) {
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
                (void)fputc('\n', stderr);
        }
        if (ok)
                ret[strcspn(ret, "\n")] = '\0';
        return ok && *ret;
}

int secret_hash_password(void) {
        char password[PASSWORD_MAX], again[PASSWORD_MAX];
        _cleanup_free_ char *hash = NULL;

        if (!read_hidden("Password: ", password)) {
                (void)fputs("batch-web: no password was given\n", stderr);
                return EXIT_FAILURE;
        }
        if (isatty(STDIN_FILENO) && (!read_hidden("Again: ", again) || !streq(password, again))) {
                (void)fputs("batch-web: the two are not the same\n", stderr);
                return EXIT_FAILURE;
        }
        hash = password_hash(password);
        explicit_bzero(password, sizeof(password));
        explicit_bzero(again, sizeof(again));
        if (!hash) {
                (void)fputs("batch-web: this machine's libcrypt makes no yescrypt hashes\n", stderr);
                return EXIT_FAILURE;
        }
        (void)printf("%s\n", hash);
        return EXIT_SUCCESS;
}

int secret_make_token(const char *name, bool may_act) {
        char token[SECRET_SIZE], hash[SECRET_SIZE];

        if (!name_is_valid(name)) {
                (void)fprintf(stderr, "batch-web: \"%s\" is no name; it takes 1 to 64 letters, digits, _ - and .\n",
                              name);
                return 2;
        }
        secret_generate(token);
        secret_hash(token, hash);
        (void)fprintf(stderr, "The token, for the script; it is shown this once:\n");
        (void)printf("%s\n", token);
        (void)fprintf(stderr, "The line for the credential batch-web-tokens (TokenFile=):\n");
        (void)fflush(stdout);
        (void)fprintf(stderr, "%s %s %s\n", name, may_act ? "act" : "watch", hash);
        return EXIT_SUCCESS;
}
