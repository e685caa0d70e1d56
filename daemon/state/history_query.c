/* What the questions share: statements, their values, and what went wrong. */
#include <errno.h>
#include <string.h>

#include "errortext.h"
#include "history_internal.h"
#include "rows.h"
#include "strutil.h"

int history_db_error(sqlite3 *db, char **ret_error) {
        return error_set(ret_error, -EIO, "cannot read %s: %s", sqlite3_db_filename(db, "main"), sqlite3_errmsg(db));
}

int history_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, char **ret_error) {
        if (sqlite3_prepare_v2(db, sql, -1, ret, NULL) != SQLITE_OK)
                return history_db_error(db, ret_error);
        return 0;
}

void history_bind_text(sqlite3_stmt *statement, const char *name, const char *text) {
        int index = sqlite3_bind_parameter_index(statement, name);

        if (index > 0)
                (void)sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

void history_bind_int(sqlite3_stmt *statement, const char *name, int64_t value) {
        int index = sqlite3_bind_parameter_index(statement, name);

        if (index > 0)
                (void)sqlite3_bind_int64(statement, index, value);
}

const char *history_text_at(sqlite3_stmt *statement, int column) {
        return (const char *)sqlite3_column_text(statement, column);
}

size_t history_weight(const struct jval *entry) {
        _cleanup_free_ char *text = jval_dump(entry);

        return strlen(text);
}

struct jval *history_asked(const struct question *question) {
        struct jval *asked = NULL;

        if (!question->params_text ||
            jval_parse(question->params_text, strlen(question->params_text), &asked, NULL) < 0)
                asked = jval_object();
        return asked;
}

usec_t history_instant(const struct jval *asked, const char *key) {
        const char *text = jval_get_str(asked, key);
        usec_t instant = 0;

        if (text)
                (void)parse_rfc3339(text, &instant);
        return instant;
}
