/* batch-runner: starts the commands of steps and stays with them. See protocol.md for how it is spoken to. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cleanup.h"
#include "launcher.h"
#include "strutil.h"
#include "xalloc.h"

enum {
        OPTION_LAUNCHER = 1,
        OPTION_AFTER_STOP,
        OPTION_DETACH,
        OPTION_RUNTIME_DIRECTORY,
        OPTION_CGROUP,
        OPTION_RESUME,
        OPTION_HELP,
        OPTION_VERSION
};

static const struct option long_options[] = {
        {"launcher", no_argument, NULL, OPTION_LAUNCHER},
        {"after-stop", no_argument, NULL, OPTION_AFTER_STOP},
        {"detach", no_argument, NULL, OPTION_DETACH},
        {"runtime-directory", required_argument, NULL, OPTION_RUNTIME_DIRECTORY},
        {"cgroup", required_argument, NULL, OPTION_CGROUP},
        {"resume", required_argument, NULL, OPTION_RESUME},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {0},
};

static const char help[] =
        "batch-runner --launcher [--runtime-directory DIR] [--cgroup DIR|no] [--detach]\n"
        "batch-runner --after-stop [--runtime-directory DIR] [--cgroup DIR|no]\n"
        "\n"
        "Starts the commands of batchd's steps and stays with them; batchd or systemd calls it.\n"
        "\n"
        "  --launcher               serve launcher.sock in the runtime directory\n"
        "  --after-stop             clean up behind a launcher (ExecStopPost=)\n"
        "  --runtime-directory DIR  default: $RUNTIME_DIRECTORY\n"
        "  --cgroup DIR             use this cgroup; default: the one that systemd has delegated, if any\n"
        "  --cgroup no              use none\n"
        "  --detach                 leave the caller's session; end when not needed any more\n"
        "  --help, --version\n";

static void set_cgroup(struct launcher_options *options, const char *argument) {
        options->is_without_cgroup = streq(argument, "no");
        options->cgroup_base = options->is_without_cgroup ? NULL : argument;
}

/* -1: go on; else an exit status. */
static int parse_options(int argc, char **argv, struct launcher_options *options, int *ret_role) {
        int option;
        int64_t fd;
        while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
                switch (option) {
                case OPTION_LAUNCHER:
                case OPTION_AFTER_STOP:
                        *ret_role = option;
                        break;
                case OPTION_DETACH:
                        options->is_detached = true;
                        break;
                case OPTION_RUNTIME_DIRECTORY:
                        options->runtime_dir = optarg;
                        break;
                case OPTION_CGROUP:
                        set_cgroup(options, optarg);
                        break;
                case OPTION_RESUME: /* the launcher's own, when it executes itself anew */
                        if (parse_int64_range(optarg, 3, INT32_MAX, &fd) < 0)
                                return EX_USAGE;
                        options->resume_fd = (int)fd;
                        break;
                case OPTION_HELP:
                        fputs(help, stdout);
                        return EXIT_SUCCESS;
                case OPTION_VERSION:
                        puts("batch-runner " BATCHD_VERSION);
                        return EXIT_SUCCESS;
                default:
                        fputs(help, stderr);
                        return EX_USAGE;
                }
        return -1;
}

int main(int argc, char **argv) {
        struct launcher_options options = {
                .runtime_dir = getenv("RUNTIME_DIRECTORY"), .resume_fd = -1, .argv = argv, .version = BATCHD_VERSION};
        int role = 0;
        int status = parse_options(argc, argv, &options, &role);
        if (status >= 0)
                return status;
        if (role == 0 || optind != argc) {
                fputs("batch-runner: either --launcher or --after-stop is needed, and no arguments; see --help\n",
                      stderr);
                return EX_USAGE;
        }
        if (!options.runtime_dir || options.runtime_dir[0] != '/') {
                fputs("batch-runner: give the runtime directory as an absolute path, by --runtime-directory or "
                      "$RUNTIME_DIRECTORY\n",
                      stderr);
                return EX_USAGE;
        }
        return role == OPTION_LAUNCHER ? launcher_run(&options) : after_stop_run(&options);
}
