#include "sessions.h"

#include <stdlib.h>

#include "strutil.h"
#include "xalloc.h"

struct sessions {
        usec_t lifetime;
        struct web_session entries[SESSIONS_MAX];
        size_t n_entries;
};

struct sessions *sessions_new(usec_t lifetime) {
        struct sessions *sessions = NEW(struct sessions);

        sessions->lifetime = lifetime;
        return sessions;
}

struct sessions *sessions_free(struct sessions *sessions) {
        free(sessions);
        return NULL;
}

static void drop_expired(struct sessions *sessions, usec_t now) {
        for (size_t i = 0; i < sessions->n_entries;) {
                if (now - sessions->entries[i].used > sessions->lifetime)
                        sessions->entries[i] = sessions->entries[--sessions->n_entries];
                else
                        i++;
        }
}

struct web_session *sessions_add(struct sessions *sessions, usec_t now) {
        struct web_session *entry = &sessions->entries[0];

        drop_expired(sessions, now);
        for (size_t i = 1; i < sessions->n_entries; i++)
                if (sessions->entries[i].used < entry->used)
                        entry = &sessions->entries[i];
        if (sessions->n_entries < SESSIONS_MAX)
                entry = &sessions->entries[sessions->n_entries++];
        *entry = (struct web_session){.used = now};
        secret_generate(entry->id);
        secret_generate(entry->csrf);
        return entry;
}

struct web_session *sessions_find(struct sessions *sessions, const char *id, usec_t now) {
        drop_expired(sessions, now);
        for (size_t i = 0; i < sessions->n_entries; i++)
                if (secret_equal(sessions->entries[i].id, id)) {
                        sessions->entries[i].used = now;
                        return &sessions->entries[i];
                }
        return NULL;
}

void sessions_remove(struct sessions *sessions, const char *id) {
        for (size_t i = 0; i < sessions->n_entries; i++)
                if (secret_equal(sessions->entries[i].id, id)) {
                        sessions->entries[i] = sessions->entries[--sessions->n_entries];
                        return;
                }
}
