#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "version.h"

static const char help[] = "batchd - run batches, keep what they did\n"
                           "\n"
                           "  batchd                     serve, as the service manager started it\n"
                           "  batchd --config FILE       serve a whole instance from FILE's folder\n"
                           "  batchd -t [--config FILE]  check configuration and job files, and exit\n"
                           "  batchd -t FILE...          check these job files, each with its drop-ins, and exit\n"
                           "  batchd calendar EXPR       say when a calendar expression elapses\n"
                           "\n"
                           "Options:\n"
                           "  -c, --config FILE   configuration file; folders it does not name lie beside it\n"
                           "  -t, --test          check everything, print what is wrong; 0 when nothing is, else 1\n"
                           "      --json          with -t: print what is wrong as one JSON document\n"
                           "      --after-stop    for ExecStopPost=: end what a stopped daemon could not end\n"
                           "      --version       print the version\n"
                           "  -h, --help          print this\n"
                           "\n"
                           "See batchd(8), batchd.conf(5), batchd.job(5), batchctl(1).\n";

enum { OPTION_AFTER_STOP = 256, OPTION_JSON, OPTION_VERSION };

static struct options end_with(int exit_status) {
        return (struct options){.action = ACTION_EXIT, .exit_status = exit_status};
}

struct options options_parse(int argc, char **argv) {
        static const struct option table[] = {
                {"config", required_argument, NULL, 'c'},
                {"test", no_argument, NULL, 't'},
                {"after-stop", no_argument, NULL, OPTION_AFTER_STOP},
                {"json", no_argument, NULL, OPTION_JSON},
                {"version", no_argument, NULL, OPTION_VERSION},
                {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        struct options options = {.action = ACTION_RUN};
        int option;

        while ((option = getopt_long(argc, argv, "c:th", table, NULL)) != -1) {
                switch (option) {
                case 'c':
                        options.config_file = optarg;
                        break;
                case 't':
                        options.action = ACTION_CHECK;
                        break;
                case OPTION_AFTER_STOP:
                        options.action = ACTION_AFTER_STOP;
                        break;
                case OPTION_JSON:
                        options.json = true;
                        break;
                case OPTION_VERSION:
                        (void)printf("batchd %s\n", BATCHD_VERSION);
                        return end_with(EXIT_SUCCESS);
                case 'h':
                        (void)fputs(help, stdout);
                        return end_with(EXIT_SUCCESS);
                default:
                        (void)fputs("See: batchd --help\n", stderr);
                        return end_with(2);
                }
        }
        options.files = options.action == ACTION_CHECK && optind < argc ? argv + optind : NULL;
        if (optind < argc && !options.files) {
                (void)fprintf(stderr, "batchd: \"%s\" is not understood; it takes options only. See: batchd --help\n",
                              argv[optind]);
                return end_with(2);
        }
        return options;
}
