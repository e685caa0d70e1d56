#include "log_index.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checksum.h"
#include "cleanup.h"
#include "fileutil.h"
#include "macro.h"
#include "xalloc.h"

/* On disk, little-endian. */
struct record {
        uint64_t first;
        uint64_t offset;
        uint64_t end;
        uint32_t count;
        uint32_t ordinal;
        uint32_t mark;     /* RECORD_MARK: tells a hole of zeros from a record */
        uint32_t checksum; /* CRC-32C of what stands before it */
};
#define RECORD_SIZE sizeof(struct record)
_Static_assert(RECORD_SIZE == 40, "the records are fixed in size");
#define RECORD_MARK 0x31514553u /* "SEQ1" */
#define BLOCK 128               /* records read at once */

struct log_index {
        int fd;
        off_t size;    /* behind the last whole record */
        uint64_t next; /* sequence number */
};

static void record_encode(struct record *ret, const struct log_index_entry *entry) {
        *ret = (struct record){
                .first = htole64(entry->first),
                .offset = htole64(entry->offset),
                .end = htole64(entry->end),
                .count = htole32(entry->count),
                .ordinal = htole32(entry->ordinal),
                .mark = htole32(RECORD_MARK),
        };
        ret->checksum = htole32(crc32c(0, ret, offsetof(struct record, checksum)));
}

static bool record_decode(const struct record *record, struct log_index_entry *ret) {
        if (le32toh(record->mark) != RECORD_MARK ||
            le32toh(record->checksum) != crc32c(0, record, offsetof(struct record, checksum)))
                return false;
        *ret = (struct log_index_entry){
                .first = le64toh(record->first),
                .offset = le64toh(record->offset),
                .end = le64toh(record->end),
                .count = le32toh(record->count),
                .ordinal = le32toh(record->ordinal),
        };
        return true;
}

static int open_in(const char *run_dir, int flags, uint64_t *ret_records, off_t *ret_size) {
        _cleanup_free_ char *path = path_join(run_dir, "sequence");
        _cleanup_close_ int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0640);
        struct stat st;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        *ret_records = (uint64_t)st.st_size / RECORD_SIZE;
        if (ret_size)
                *ret_size = st.st_size;
        return steal_fd(&fd);
}

/* Up to n records from number `at` on; how many, or negative errno. */
static ssize_t read_records(int fd, uint64_t at, struct record *records, size_t n) {
        size_t got = 0, want = n * RECORD_SIZE;

        while (got < want) {
                ssize_t r = pread(fd, (char *)records + got, want - got, (off_t)(at * RECORD_SIZE + got));
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        break;
                got += (size_t)r;
        }
        return (ssize_t)(got / RECORD_SIZE);
}

/* The last whole record: 1 and its entry, with *ret_records cut to end behind it; 0 when there is none. */
static int find_last(int fd, uint64_t *records, struct log_index_entry *ret) {
        for (uint64_t n = *records; n > 0; n--) {
                struct record record;
                ssize_t r = read_records(fd, n - 1, &record, 1);
                if (r < 0)
                        return (int)r;
                if (r == 1 && record_decode(&record, ret)) {
                        *records = n;
                        return 1;
                }
        }
        *records = 0;
        return 0;
}

int log_index_open(struct log_index **ret, const char *run_dir, uint64_t *ret_next) {
        struct log_index_entry last;
        uint64_t records = 0;
        off_t size = 0;
        _cleanup_close_ int fd = open_in(run_dir, O_RDWR | O_CREAT, &records, &size);

        if (fd < 0)
                return fd;
        int r = find_last(fd, &records, &last);
        if (r < 0)
                return r;
        off_t whole = (off_t)(records * RECORD_SIZE);
        if (size > whole && ftruncate(fd, whole) < 0)
                return -errno;
        struct log_index *index = NEW(struct log_index);
        index->fd = steal_fd(&fd);
        index->size = whole;
        index->next = r > 0 ? last.first + last.count : 1;
        *ret = index;
        *ret_next = index->next;
        return 0;
}

struct log_index *log_index_close(struct log_index *index) {
        if (index) {
                (void)close(index->fd);
                free(index);
        }
        return NULL;
}

int log_index_append(struct log_index *index, const struct log_index_entry *entry) {
        struct record record;

        if (entry->count == 0 || entry->first < index->next || entry->end < entry->offset)
                return -EINVAL;
        record_encode(&record, entry);
        /* At the known end: what an earlier failed write left there is overwritten. */
        int r = pwrite_all(index->fd, &record, sizeof(record), index->size);
        if (r < 0)
                return r;
        index->size += (off_t)sizeof(record);
        index->next = entry->first + entry->count;
        return 0;
}

int log_index_next(const char *run_dir, uint64_t *ret_next) {
        struct log_index_entry last;
        uint64_t records = 0;
        _cleanup_close_ int fd = open_in(run_dir, O_RDONLY, &records, NULL);

        if (fd < 0 && fd != -ENOENT)
                return fd;
        int r = fd < 0 ? 0 : find_last(fd, &records, &last);
        if (r < 0)
                return r;
        *ret_next = r > 0 ? last.first + last.count : 1;
        return 0;
}

/* The first record worth looking at for sequence `from`: binary search for the last one that begins at or before it. A
 * record that does not check (a hole after a power cut) makes the search begin earlier, never later. */
static int search(int fd, uint64_t records, uint64_t from, uint64_t *ret) {
        uint64_t low = 0, high = records;

        while (low < high) {
                uint64_t middle = low + (high - low) / 2;
                struct log_index_entry entry;
                struct record record;
                ssize_t r = read_records(fd, middle, &record, 1);
                if (r < 0)
                        return (int)r;
                if (r == 1 && record_decode(&record, &entry) && entry.first <= from)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret = low > 0 ? low - 1 : 0;
        return 0;
}

int log_index_scan(const char *run_dir, uint64_t from, int (*fn)(const struct log_index_entry *entry, void *user),
                   void *user) {
        struct record block[BLOCK];
        uint64_t records = 0, at = 0;
        _cleanup_close_ int fd = open_in(run_dir, O_RDONLY, &records, NULL);
        int r;

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        r = search(fd, records, from, &at);
        if (r < 0)
                return r;
        while (at < records) {
                ssize_t n = read_records(fd, at, block, (size_t)MIN((uint64_t)BLOCK, records - at));
                if (n < 0)
                        return (int)n;
                if (n == 0)
                        break;
                for (ssize_t i = 0; i < n; i++) {
                        struct log_index_entry entry;
                        if (!record_decode(&block[i], &entry) || entry.first + entry.count <= from)
                                continue;
                        r = fn(&entry, user);
                        if (r != 0)
                                return r;
                }
                at += (uint64_t)n;
        }
        return 0;
}

int log_index_resume_offset(const char *run_dir, uint32_t ordinal, uint64_t *ret_offset) {
        struct record block[BLOCK];
        uint64_t records = 0;
        _cleanup_close_ int fd = open_in(run_dir, O_RDONLY, &records, NULL);

        if (fd < 0 && fd != -ENOENT)
                return fd;
        while (fd >= 0 && records > 0) {
                uint64_t n = MIN((uint64_t)BLOCK, records);
                ssize_t got = read_records(fd, records - n, block, (size_t)n);
                if (got < 0)
                        return (int)got;
                for (ssize_t i = got; i-- > 0;) {
                        struct log_index_entry entry;
                        if (record_decode(&block[i], &entry) && entry.ordinal == ordinal) {
                                *ret_offset = entry.end;
                                return 0;
                        }
                }
                records -= n;
        }
        *ret_offset = 0;
        return 0;
}
