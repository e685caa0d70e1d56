/* The sequence index of a run as it may stand on disk: torn, with holes, foreign, or with records that check and make
 * no sense. The first byte says of which of the first eight records the checksum is put right. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checksum.h"
#include "cleanup.h"
#include "log_index.h"

#define RECORD_SIZE ((size_t)40)
#define MARK_AT ((size_t)32)
#define CHECKSUM_AT ((size_t)36)

static char folder[] = "/tmp/fuzz-log-index.XXXXXX";

static void require(int condition) {
        if (!condition)
                abort();
}

static void remove_folder(void) {
        char path[sizeof(folder) + sizeof("/sequence")];

        (void)snprintf(path, sizeof(path), "%s/sequence", folder);
        (void)unlink(path);
        (void)rmdir(folder);
}

static void put_right(uint8_t *record) {
        uint32_t checksum;

        memcpy(record + MARK_AT, "SEQ1", 4);
        checksum = crc32c(0, record, CHECKSUM_AT);
        memcpy(record + CHECKSUM_AT, &checksum, sizeof(checksum)); /* little-endian, as every machine that fuzzes */
}

static void write_index(const uint8_t *data, size_t size, uint8_t right) {
        char path[sizeof(folder) + sizeof("/sequence")];
        _cleanup_free_ uint8_t *content = malloc(size + 1);

        memcpy(content, data, size);
        for (size_t i = 0; i < 8 && (i + 1) * RECORD_SIZE <= size; i++)
                if (right & 1u << i)
                        put_right(content + i * RECORD_SIZE);
        (void)snprintf(path, sizeof(path), "%s/sequence", folder);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        require(fd >= 0 && write(fd, content, size) == (ssize_t)size);
}

static int take(const struct log_index_entry *entry, void *user) {
        size_t *count = user;

        return ++*count > 100000;
}

static void read_all(size_t records) {
        static const uint64_t from[] = {0, 1, 1000, UINT64_MAX};
        uint64_t offset;

        for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
                size_t count = 0;

                require(log_index_scan(folder, from[i], take, &count) == 0 && count <= records);
        }
        for (uint32_t ordinal = 0; ordinal < 3; ordinal++)
                require(log_index_resume_offset(folder, ordinal, &offset) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static bool is_made;
        struct log_index *index = NULL;
        uint64_t next = 0, same = 0;
        size_t records = size / RECORD_SIZE;

        if (size == 0)
                return 0;
        if (!is_made) {
                require(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
                is_made = true;
        }
        write_index(data + 1, size - 1, data[0]);
        read_all(records);
        require(log_index_next(folder, &next) == 0);
        require(log_index_open(&index, folder, &same) == 0 && next == same);
        /* What is appended is numbered on, and found. */
        struct log_index_entry entry = {.first = next, .offset = 10, .end = 20, .count = 2, .ordinal = 77};
        require(log_index_append(index, &entry) == 0);
        (void)log_index_close(index);
        require(log_index_resume_offset(folder, 77, &same) == 0 && same == 20);
        read_all(records + 1);
        return 0;
}
