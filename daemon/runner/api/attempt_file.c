#include "attempt_file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "checksum.h"
#include "cleanup.h"
#include "fileutil.h"
#include "xalloc.h"

static const char head_magic[16] = "batchd attempt\n";
#define FORMAT_VERSION 1

struct head {
        char magic[16];
        uint32_t version;
        uint32_t checksum; /* of magic and version */
};

struct slot_head {
        uint32_t checksum; /* of what follows, content included */
        uint32_t length;   /* of the content */
        uint64_t generation;
};

static uint32_t head_checksum(const struct head *head) {
        return htole32(crc32c(0, head, offsetof(struct head, checksum)));
}

static off_t slot_offset(uint64_t generation) {
        return (off_t)(ATTEMPT_FILE_HEAD_SIZE + (generation & 1) * ATTEMPT_FILE_SLOT_SIZE);
}

int attempt_file_create(int fd) {
        /* Allocated, not only sized: the result must fit in when the disk is full. Some filesystems cannot; there it is
         * only sized. */
        if (fallocate(fd, 0, 0, (off_t)ATTEMPT_FILE_SIZE) < 0) {
                if (errno != EOPNOTSUPP && errno != ENOSYS)
                        return -errno;
                if (ftruncate(fd, (off_t)ATTEMPT_FILE_SIZE) < 0)
                        return -errno;
        }
        struct head head = {.version = htole32(FORMAT_VERSION)};
        memcpy(head.magic, head_magic, sizeof(head.magic));
        head.checksum = head_checksum(&head);
        return pwrite_all(fd, &head, sizeof(head), 0);
}

static uint32_t slot_checksum(const struct slot_head *head, const void *content, size_t len) {
        const char *from = (const char *)head + sizeof(head->checksum);
        uint32_t checksum = crc32c(0, from, sizeof(*head) - sizeof(head->checksum));
        return htole32(crc32c(checksum, content, len));
}

int attempt_file_write(int fd, uint64_t *generation, const void *content, size_t len) {
        if (len > ATTEMPT_FILE_CONTENT_MAX)
                return -E2BIG;
        struct slot_head head = {.length = htole32((uint32_t)len), .generation = htole64(*generation + 1)};
        head.checksum = slot_checksum(&head, content, len);
        _cleanup_free_ char *slot = xmalloc(sizeof(head) + len);
        memcpy(slot, &head, sizeof(head));
        memcpy(slot + sizeof(head), content, len);
        int r = pwrite_all(fd, slot, sizeof(head) + len, slot_offset(*generation + 1));
        if (r < 0)
                return r;
        *generation += 1;
        return 0;
}

static int read_head(int fd) {
        struct head head;
        ssize_t n = pread(fd, &head, sizeof(head), 0);
        if (n < 0)
                return -errno;
        if (n != (ssize_t)sizeof(head) || memcmp(head.magic, head_magic, sizeof(head.magic)) != 0 ||
            head.checksum != head_checksum(&head))
                return -EBADMSG;
        return le32toh(head.version) == FORMAT_VERSION ? 0 : -EPROTONOSUPPORT;
}

/* 1: the slot is whole; 0: it was never written or is torn (*ret_torn tells). */
static int read_slot(int fd, uint64_t index, char **ret, size_t *ret_len, uint64_t *ret_generation, bool *ret_torn) {
        struct slot_head head;
        ssize_t n = pread(fd, &head, sizeof(head), slot_offset(index));
        if (n < 0)
                return -errno;
        size_t len = le32toh(head.length);
        if (n != (ssize_t)sizeof(head) || len > ATTEMPT_FILE_CONTENT_MAX || head.generation == 0) {
                *ret_torn |=
                        n == (ssize_t)sizeof(head) && (head.generation != 0 || head.checksum != 0 || head.length != 0);
                return 0;
        }
        _cleanup_free_ char *content = xmalloc(len + 1);
        n = pread(fd, content, len, slot_offset(index) + (off_t)sizeof(head));
        if (n < 0)
                return -errno;
        if (n != (ssize_t)len || head.checksum != slot_checksum(&head, content, len)) {
                *ret_torn = true;
                return 0;
        }
        content[len] = 0;
        *ret = STEAL_PTR(content);
        *ret_len = len;
        *ret_generation = le64toh(head.generation);
        return 1;
}

int attempt_file_read(int fd, char **ret, size_t *ret_len, uint64_t *ret_generation) {
        int r = read_head(fd);
        if (r < 0)
                return r;
        _cleanup_free_ char *newest = NULL;
        size_t newest_len = 0;
        uint64_t newest_generation = 0;
        bool torn = false;
        for (uint64_t index = 0; index < 2; index++) {
                _cleanup_free_ char *content = NULL;
                size_t len = 0;
                uint64_t generation = 0;
                r = read_slot(fd, index, &content, &len, &generation, &torn);
                if (r < 0)
                        return r;
                if (r == 0 || generation <= newest_generation)
                        continue;
                free(newest);
                newest = STEAL_PTR(content);
                newest_len = len;
                newest_generation = generation;
        }
        if (!newest)
                return torn ? -EBADMSG : -ENODATA;
        *ret = STEAL_PTR(newest);
        *ret_len = newest_len;
        *ret_generation = newest_generation;
        return 0;
}
