#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "version.h"
#include "web.h"

/* sysexits.h: so that RestartPreventExitStatus=78 keeps a broken configuration from being tried for ever. */
#define EXIT_CONFIGURATION 78

static const char help[] = "batch-web - status page, HTTP API and live streams of batchd\n"
                           "\n"
                           "  batch-web                    serve, as batch-web.conf says\n"
                           "  batch-web --config FILE      serve as FILE says\n"
                           "\n"
                           "Options:\n"
                           "  -c, --config FILE   configuration file\n"
                           "  -t, --test          check the configuration and exit: 0 when it is right, else 78\n"
                           "      --version       print the version\n"
                           "  -h, --help          print this\n"
                           "\n"
                           "See batch-web(8), batch-web.conf(5).\n";

enum { OPTION_VERSION = 256 };

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

int main(int argc, char **argv) {
        static const struct option table[] = {
                {"config", required_argument, NULL, 'c'},
                {"test", no_argument, NULL, 't'},
                {"version", no_argument, NULL, OPTION_VERSION},
                {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        const char *path = NULL;
        bool only_check = false;
        int option;

        while ((option = getopt_long(argc, argv, "c:th", table, NULL)) != -1) {
                if (option == 'c') {
                        path = optarg;
                } else if (option == 't') {
                        only_check = true;
                } else if (option == OPTION_VERSION) {
                        (void)printf("batch-web %s\n", BATCHD_VERSION);
                        return EXIT_SUCCESS;
                } else if (option == 'h') {
                        (void)fputs(help, stdout);
                        return EXIT_SUCCESS;
                } else {
                        (void)fputs("See: batch-web --help\n", stderr);
                        return 2;
                }
        }
        if (optind < argc) {
                (void)fprintf(stderr,
                              "batch-web: \"%s\" is not understood; it takes options only. See: batch-web --help\n",
                              argv[optind]);
                return 2;
        }
        return serve(path, only_check);
}
