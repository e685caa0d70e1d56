/* batchctl report: a step written in any language tells its monitor how it is getting on. No daemon is involved. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "report.h"
#include "strutil.h"
#include "verb.h"

/* As sd_notify(3): a path, or '@' and a name in the abstract namespace. 0 or negative errno. */
static int send_notification(const char *address, const struct buf *message) {
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        size_t len = strlen(address);
        if (len == 0 || len >= sizeof(to.sun_path))
                return -ENAMETOOLONG;
        memcpy(to.sun_path, address, len);
        if (address[0] == '@')
                to.sun_path[0] = '\0';
        socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (address[0] == '@' ? 0 : 1));
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (sendto(fd, buf_data(message), message->len, MSG_NOSIGNAL, (const struct sockaddr *)(const void *)&to,
                   size) < 0)
                return -errno;
        return 0;
}

static int send_report(const struct context *context, const struct report *report) {
        const char *address = getenv("NOTIFY_SOCKET");
        if (report->n_assignments == 0) {
                context_complain(context, "say what to report, as in 'batchctl report --progress 15/75'; 'batchctl "
                                          "report --help' lists it all");
                return EXIT_USAGE;
        }
        /* A script that is tried by hand goes on without a monitor. */
        if (!address || address[0] == '\0') {
                if (!context->global.quiet)
                        context_complain(context, "not inside a step (NOTIFY_SOCKET is not set): nothing was reported");
                return EXIT_DONE;
        }
        int r = send_notification(address, &report->message);
        if (r < 0) {
                context_complain(context, "the step's monitor cannot be told at %s: %s", address, strerror(-r));
                return EXIT_UNREACHABLE;
        }
        return EXIT_DONE;
}

static int run_report(const struct context *context, const void *options, char *const *arguments) {
        /* the options were gathered into the report while they were parsed */
        struct report report = *(const struct report *)options;
        int status = send_report(context, &report);
        buf_done(&report.message);
        return status;
}

const struct verb verb_report = {
        .name = "report",
        .arguments = "",
        .summary = "From inside a step: report progress, counters, warnings and results",
        .examples = "  batchctl report --progress 15/75 --metric games_processed+=16\n"
                    "  batchctl report --status 'fetching week 12' --records 523\n"
                    "  batchctl report --warning 'unknown_player: 3 players are not in the database'\n",
        .details = "Several things may be reported at once. Outside a step nothing is done, and that is said on "
                   "standard error.",
        .options = report_rows,
        .options_size = sizeof(struct report),
        .run = run_report,
};
