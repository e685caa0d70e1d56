#include "journal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "fileutil.h"
#include "message_ids.h"
#include "xalloc.h"

/* An entry is one log line of ours and a few names. */
#define ENTRY_MAX ((size_t)1024 * 1024)
/* Longer entries go as files: the kernel's limit for a datagram differs from machine to machine. */
#define DATAGRAM_MAX ((size_t)128 * 1024)
/* So that a burst fits while journald is busy; the kernel takes as much of it as it allows. */
#define SEND_BUFFER (8 * 1024 * 1024)

struct journal {
        int fd;
        struct sockaddr_un address;
        char *identifier;
        _Atomic uint64_t lost;
};

int journal_open(struct journal **ret, const char *path, const char *identifier) {
        _cleanup_close_ int fd = -1;
        struct journal *journal;
        int size = SEND_BUFFER;

        if (strlen(path) >= sizeof(journal->address.sun_path))
                return -ENAMETOOLONG;
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        journal = NEW(struct journal);
        journal->fd = steal_fd(&fd);
        journal->address.sun_family = AF_UNIX;
        memcpy(journal->address.sun_path, path, strlen(path) + 1);
        journal->identifier = xstrdup(identifier);
        *ret = journal;
        return 0;
}

struct journal *journal_close(struct journal *journal) {
        if (!journal)
                return NULL;
        (void)close(journal->fd);
        free(journal->identifier);
        free(journal);
        return NULL;
}

uint64_t journal_lost(struct journal *journal) {
        return atomic_load(&journal->lost);
}

/* NAME=value, or for a value with newlines NAME, its length as 64 bits little-endian, the value. */
static int append_field(struct buf *out, const char *name, const char *value) {
        uint64_t length;
        int r;

        if (!strchr(value, '\n'))
                return buf_appendf(out, "%s=%s\n", name, value);
        length = htole64(strlen(value));
        r = buf_appendf(out, "%s\n", name);
        if (r >= 0)
                r = buf_append(out, &length, sizeof(length));
        if (r >= 0)
                r = buf_append_str(out, value);
        return r >= 0 ? buf_append_char(out, '\n') : r;
}

int journal_encode(struct buf *out, const char *identifier, enum log_level level, const struct log_context *context,
                   const char *message) {
        static const struct log_context nothing;
        const struct log_context *about = context ? context : &nothing;
        const struct {
                const char *name, *value;
        } fields[] = {
                {"SYSLOG_IDENTIFIER", identifier}, {"MESSAGE_ID", about->message_id}, {"BATCH_RUN_ID", about->run_id},
                {"BATCH_JOB", about->job},         {"BATCH_STEP", about->step},       {"BATCH_ITEM", about->item},
        };
        int r = append_field(out, "MESSAGE", message);

        if (r >= 0)
                r = buf_appendf(out, "PRIORITY=%d\n", (int)level);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fields); i++)
                if (fields[i].value && *fields[i].value)
                        r = append_field(out, fields[i].name, fields[i].value);
        return r;
}

/* An entry that is too long for a datagram goes as a sealed memory file. */
static int send_as_file(struct journal *journal, const struct buf *entry) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {0};
        struct msghdr header = {.msg_name = &journal->address,
                                .msg_namelen = sizeof(journal->address),
                                .msg_control = &control,
                                .msg_controllen = sizeof(control)};
        _cleanup_close_ int fd = memfd_create("batchd-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, buf_data(entry), entry->len);
        if (r < 0)
                return r;
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return -errno;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
        return sendmsg(journal->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int send_entry(struct journal *journal, const struct buf *entry) {
        struct iovec iov = {.iov_base = (void *)(uintptr_t)buf_data(entry), .iov_len = entry->len};
        struct msghdr header = {.msg_name = &journal->address,
                                .msg_namelen = sizeof(journal->address),
                                .msg_iov = &iov,
                                .msg_iovlen = 1};

        if (entry->len <= DATAGRAM_MAX) {
                if (sendmsg(journal->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
                        return 0;
                if (errno != EMSGSIZE && errno != ENOBUFS)
                        return -errno;
        }
        return send_as_file(journal, entry);
}

/* Says how many entries were lost, once there is room again. */
static void tell_lost(struct journal *journal) {
        uint64_t lost = atomic_exchange(&journal->lost, 0);
        const struct log_context about = {.message_id = MESSAGE_ID_MESSAGES_LOST};
        _cleanup_buf_ struct buf entry = BUF_INIT(ENTRY_MAX);
        _cleanup_free_ char *text = NULL;

        if (lost == 0)
                return;
        text = xasprintf("%" PRIu64 " messages are missing here: the journal did not take them", lost);
        if (journal_encode(&entry, journal->identifier, LOG_LEVEL_WARNING, &about, text) < 0 ||
            send_entry(journal, &entry) < 0)
                atomic_fetch_add(&journal->lost, lost);
}

int journal_send(struct journal *journal, enum log_level level, const struct log_context *context,
                 const char *message) {
        _cleanup_buf_ struct buf entry = BUF_INIT(ENTRY_MAX);
        int r = journal_encode(&entry, journal->identifier, level, context, message);

        if (r >= 0 && atomic_load(&journal->lost) > 0)
                tell_lost(journal);
        if (r >= 0)
                r = send_entry(journal, &entry);
        if (r < 0)
                atomic_fetch_add(&journal->lost, 1);
        return r;
}
