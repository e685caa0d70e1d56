#include "sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "strutil.h"
#include "xalloc.h"

/* Another layout of the table has another number here: a newer batch-web then begins with no session. */
#define LAYOUT UINT64_C(0x62617463682d7731)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* In the shared memory. */
struct table {
        uint64_t layout;
        char password[SECRET_SIZE]; /* SHA-256 of the hash of the password that the sessions were opened with */
        uint64_t n_entries;
        struct web_session entries[SESSIONS_MAX];
};

struct sessions {
        usec_t lifetime;
        int fd;
        struct table *table;
};

bool sessions_fd_is_usable(int fd) {
        struct stat status;
        uint64_t layout = 0;

        /* Sealed, so that nobody who has it can make reading it fatal. */
        return fcntl(fd, F_GET_SEALS) == SEALS && fstat(fd, &status) == 0 && status.st_size == sizeof(struct table) &&
               pread(fd, &layout, sizeof(layout), offsetof(struct table, layout)) == sizeof(layout) && layout == LAYOUT;
}

static int make_memory(void) {
        _cleanup_close_ int fd = memfd_create("batch-web-sessions", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        if (fd < 0 || ftruncate(fd, sizeof(struct table)) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
                return -errno;
        return steal_fd(&fd);
}

int sessions_new(struct sessions **ret, usec_t lifetime, int fd) {
        _cleanup_close_ int memory = fd >= 0 ? fd : make_memory();
        struct sessions *sessions;
        struct table *table;

        if (memory < 0)
                return memory;
        table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
        if (table == MAP_FAILED)
                return -errno;
        table->layout = LAYOUT;
        if (table->n_entries > SESSIONS_MAX)
                table->n_entries = 0;
        for (size_t i = 0; i < table->n_entries; i++)
                table->entries[i].id[SECRET_SIZE - 1] = table->entries[i].csrf[SECRET_SIZE - 1] = '\0';
        sessions = NEW(struct sessions);
        *sessions = (struct sessions){.lifetime = lifetime, .fd = steal_fd(&memory), .table = table};
        *ret = sessions;
        return 0;
}

struct sessions *sessions_free(struct sessions *sessions) {
        if (!sessions)
                return NULL;
        (void)munmap(sessions->table, sizeof(*sessions->table));
        (void)close(sessions->fd);
        free(sessions);
        return NULL;
}

int sessions_fd(const struct sessions *sessions) {
        return sessions->fd;
}

void sessions_set_password(struct sessions *sessions, const char *hash) {
        char fingerprint[SECRET_SIZE];

        secret_hash(hash, fingerprint);
        if (memcmp(sessions->table->password, fingerprint, SECRET_SIZE) == 0)
                return;
        sessions->table->n_entries = 0;
        memcpy(sessions->table->password, fingerprint, SECRET_SIZE);
}

static void remove_entry(struct table *table, size_t index) {
        table->entries[index] = table->entries[table->n_entries - 1];
        table->n_entries--;
}

static void drop_expired(struct sessions *sessions, usec_t now) {
        struct table *table = sessions->table;

        for (size_t i = 0; i < table->n_entries;) {
                if (now - table->entries[i].used > sessions->lifetime)
                        remove_entry(table, i);
                else
                        i++;
        }
}

struct web_session *sessions_add(struct sessions *sessions, usec_t now) {
        struct table *table = sessions->table;
        struct web_session *entry = &table->entries[0];

        drop_expired(sessions, now);
        for (size_t i = 1; i < table->n_entries; i++)
                if (table->entries[i].used < entry->used)
                        entry = &table->entries[i];
        if (table->n_entries < SESSIONS_MAX)
                entry = &table->entries[table->n_entries];
        *entry = (struct web_session){.used = now};
        secret_generate(entry->id);
        secret_generate(entry->csrf);
        /* Last: one that is killed in between leaves no half of a session. */
        if (table->n_entries < SESSIONS_MAX)
                table->n_entries++;
        return entry;
}

struct web_session *sessions_find(struct sessions *sessions, const char *id, usec_t now) {
        struct table *table = sessions->table;

        drop_expired(sessions, now);
        for (size_t i = 0; i < table->n_entries; i++)
                if (secret_equal(table->entries[i].id, id)) {
                        table->entries[i].used = now;
                        return &table->entries[i];
                }
        return NULL;
}

void sessions_remove(struct sessions *sessions, const char *id) {
        struct table *table = sessions->table;

        for (size_t i = 0; i < table->n_entries; i++)
                if (secret_equal(table->entries[i].id, id)) {
                        remove_entry(table, i);
                        return;
                }
}
