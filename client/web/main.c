#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "secret_command.h"
#include "version.h"
#include "web.h"

/* sysexits.h: so that RestartPreventExitStatus=78 keeps a broken configuration from being tried for ever. */
#define EXIT_CONFIGURATION 78

static const char help[] = "batch-web - status page, HTTP API and live streams of batchd\n"
                           "\n"
                           "  batch-web                    serve, as batch-web.conf says\n"
                           "  batch-web --config FILE      serve as FILE says\n"
                           "  batch-web --hash-password    hash a password read from standard input\n"
                           "  batch-web --make-token NAME  make a token for a script\n"
                           "\n"
                           "Options:\n"
                           "  -c, --config FILE   configuration file\n"
                           "  -t, --test          check the configuration and exit: 0 when it is right, else 78\n"
                           "      --watch-only    the token may watch, not act\n"
                           "      --version       print the version\n"
                           "  -h, --help          print this\n"
                           "\n"
                           "See batch-web(8), batch-web.conf(5).\n";

enum { OPTION_VERSION = 256, OPTION_HASH_PASSWORD, OPTION_MAKE_TOKEN, OPTION_WATCH_ONLY };

struct arguments {
        const char *config, *token_name;
        bool only_check, hash_password, watch_only;
};

static int load(struct web_config *config, const char *path) {
        struct diagnostics diagnostics = {0};
        int r = web_config_load(config, path, &diagnostics);

        for (size_t i = 0; i < diagnostics.count; i++) {
                _cleanup_free_ char *text = diagnostic_to_string(&diagnostics.items[i]);

                (void)fprintf(stderr, "batch-web: %s\n", text);
        }
        diagnostics_done(&diagnostics);
        return r;
}

static int serve(const char *path, bool only_check) {
        struct web_config config;
        int status = EXIT_SUCCESS;

        if (load(&config, path) < 0)
                return EXIT_CONFIGURATION;
        log_set_level((enum log_level)config.log_level);
        if (!only_check)
                status = web_run(&config);
        web_config_done(&config);
        return status;
}

/* -1: go on; else the exit status. */
static int take_option(int option, struct arguments *arguments) {
        switch (option) {
        case 'c':
                arguments->config = optarg;
                return -1;
        case 't':
                arguments->only_check = true;
                return -1;
        case OPTION_HASH_PASSWORD:
                arguments->hash_password = true;
                return -1;
        case OPTION_MAKE_TOKEN:
                arguments->token_name = optarg;
                return -1;
        case OPTION_WATCH_ONLY:
                arguments->watch_only = true;
                return -1;
        case OPTION_VERSION:
                (void)printf("batch-web %s\n", BATCHD_VERSION);
                return EXIT_SUCCESS;
        case 'h':
                (void)fputs(help, stdout);
                return EXIT_SUCCESS;
        default:
                (void)fputs("See: batch-web --help\n", stderr);
                return 2;
        }
}

int main(int argc, char **argv) {
        static const struct option table[] = {
                {"config", required_argument, NULL, 'c'},
                {"test", no_argument, NULL, 't'},
                {"hash-password", no_argument, NULL, OPTION_HASH_PASSWORD},
                {"make-token", required_argument, NULL, OPTION_MAKE_TOKEN},
                {"watch-only", no_argument, NULL, OPTION_WATCH_ONLY},
                {"version", no_argument, NULL, OPTION_VERSION},
                {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        struct arguments arguments = {0};
        int option, status;

        while ((option = getopt_long(argc, argv, "c:th", table, NULL)) != -1) {
                status = take_option(option, &arguments);
                if (status >= 0)
                        return status;
        }
        if (optind < argc) {
                (void)fprintf(stderr,
                              "batch-web: \"%s\" is not understood; it takes options only. See: batch-web --help\n",
                              argv[optind]);
                return 2;
        }
        if (arguments.hash_password)
                return secret_hash_password();
        if (arguments.token_name)
                return secret_make_token(arguments.token_name, !arguments.watch_only);
        return serve(arguments.config, arguments.only_check);
}
