#include "migrations.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "checksum.h"
#include "cleanup.h"
#include "errortext.h"
#include "fileutil.h"
#include "strutil.h"
#include "xalloc.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define SQL_MAX ((size_t)16 * 1024 * 1024)
#define DIGITS 4

/* The lock's number is ours alone; the lock ends with the transaction. A migration may take its time. */
const char migrations_begin_sql[] =
        "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s';"
        "SELECT pg_advisory_xact_lock(7020094519872563200);"
        "CREATE TABLE IF NOT EXISTS batch_schema_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now());"
        "SELECT version, name, checksum FROM batch_schema_migrations ORDER BY version";

/* The number of "0001_batch.sql", or 0 for another kind of file. */
static int number_of(const char *name) {
        int version = 0;

        if (strlen(name) < DIGITS + 6 || name[DIGITS] != '_' || !endswith(name, ".sql"))
                return 0;
        for (size_t i = 0; i < DIGITS; i++) {
                if (name[i] < '0' || name[i] > '9')
                        return 0;
                version = version * 10 + (name[i] - '0');
        }
        /* The name goes into SQL. */
        return strspn(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.") == strlen(name)
                       ? version
                       : 0;
}

static int by_version(const void *a, const void *b) {
        const struct migration *left = a, *right = b;

        return left->version - right->version;
}

static int load_file(struct migrations *migrations, const char *dir, const char *name, char **ret_error) {
        _cleanup_free_ char *path = path_join(dir, name);
        char *text;
        size_t len;
        int r = read_file(path, FILE_MAX, &text, &len);

        if (r < 0)
                return error_set(ret_error, r, "cannot read %s: %s", path, strerror(-r));
        GROW(migrations->items, migrations->count, migrations->capacity);
        struct migration *migration = &migrations->items[migrations->count++];
        *migration = (struct migration){.version = number_of(name), .name = xstrdup(name), .text = text};
        (void)snprintf(migration->checksum, sizeof(migration->checksum), "%016" PRIx64, fnv64(FNV64_START, text, len));
        return 0;
}

static int check_numbers(struct migrations *migrations, const char *dir, char **ret_error) {
        if (migrations->count > 0)
                qsort(migrations->items, migrations->count, sizeof(*migrations->items), by_version);
        for (size_t i = 0; i < migrations->count; i++)
                if (migrations->items[i].version != (int)i + 1)
                        return error_set(
                                ret_error, -EINVAL,
                                "%s: the migrations are not numbered one by one: %s stands where %04zu_*.sql should",
                                dir, migrations->items[i].name, i + 1);
        if (migrations->count == 0)
                return error_set(ret_error, -ENOENT,
                                 "%s holds no migrations (NNNN_name.sql): SqlDirectory= should name their folder", dir);
        return 0;
}

static void closedirp(DIR **dir) {
        if (*dir)
                (void)closedir(*dir);
}

int migrations_load(struct migrations *ret, const char *dir, char **ret_error) {
        _cleanup_(closedirp) DIR *folder = opendir(dir);
        struct migrations migrations = {0};
        struct dirent *entry;
        int r = 0;

        if (!folder)
                return error_set(ret_error, -errno,
                                 "cannot read the folder of migrations %s: %s (SqlDirectory= names it)", dir,
                                 strerror(errno));
        while (r >= 0 && (entry = readdir(folder)))
                if (number_of(entry->d_name) > 0)
                        r = load_file(&migrations, dir, entry->d_name, ret_error);
        if (r >= 0)
                r = check_numbers(&migrations, dir, ret_error);
        if (r < 0) {
                migrations_done(&migrations);
                return r;
        }
        *ret = migrations;
        return 0;
}

void migrations_done(struct migrations *migrations) {
        for (size_t i = 0; i < migrations->count; i++) {
                free(migrations->items[i].name);
                free(migrations->items[i].text);
        }
        free(migrations->items);
        *migrations = (struct migrations){0};
}

int migrations_version(const struct migrations *migrations) {
        return (int)migrations->count;
}

int migrations_compare(const struct migrations *migrations, const PGresult *applied, size_t *ret_applied,
                       char **ret_error) {
        size_t n = applied ? (size_t)PQntuples(applied) : 0;

        for (size_t i = 0; i < n; i++) {
                const char *version = PQgetvalue(applied, (int)i, 0), *name = PQgetvalue(applied, (int)i, 1);
                int64_t number = 0;
                (void)parse_int64(version, &number);
                if (number > migrations_version(migrations))
                        return error_set(
                                ret_error, -EPROTO,
                                "the database's schema is newer than this batchd: it has migration %s, this batchd knows those up "
                                "to %s. Install the newer batchd, or name another database",
                                name, migrations->items[migrations->count - 1].name);
                if (number != (int64_t)i + 1)
                        return error_set(ret_error, -EINVAL,
                                         "batch_schema_migrations has no migration %04zu: the table was edited by hand",
                                         i + 1);
                if (!streq(PQgetvalue(applied, (int)i, 2), migrations->items[i].checksum))
                        return error_set(
                                ret_error, -EINVAL,
                                "migration %s is not the one that the database was made with (%s there, %s here): a released "
                                "migration is never edited; write a new one instead",
                                migrations->items[i].name, PQgetvalue(applied, (int)i, 2),
                                migrations->items[i].checksum);
        }
        *ret_applied = n;
        return 0;
}

char *migrations_apply_sql(const struct migrations *migrations, size_t applied) {
        struct buf sql = BUF_INIT(SQL_MAX);

        for (size_t i = applied; i < migrations->count; i++) {
                const struct migration *migration = &migrations->items[i];
                (void)buf_append_str(&sql, migration->text);
                (void)buf_appendf(
                        &sql,
                        "\n;INSERT INTO batch_schema_migrations (version, name, checksum) VALUES (%d, '%s', '%s');\n",
                        migration->version, migration->name, migration->checksum);
        }
        (void)buf_append_str(&sql, "COMMIT");
        return buf_steal(&sql);
}
