#include "chunk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "xalloc.h"

/* 500 lines of the daemon's live buffer, each byte of 256 KiB escaped, and what is around them. */
#define CHUNK_MAX ((size_t)4 * 1024 * 1024)

struct chunk *chunk_ref(struct chunk *chunk) {
        chunk->references++;
        return chunk;
}

struct chunk *chunk_unref(struct chunk *chunk) {
        if (!chunk || --chunk->references > 0)
                return NULL;
        free(chunk->offsets);
        free(chunk->job);
        free(chunk->text);
        free(chunk);
        return NULL;
}

static struct chunk *make(enum chunk_kind kind, struct buf *text) {
        struct chunk *chunk = NEW(struct chunk);

        *chunk = (struct chunk){.references = 1, .kind = kind, .len = text->len};
        chunk->text = buf_steal(text);
        return chunk;
}

struct chunk *chunk_new(enum chunk_kind kind, const char *event, const struct jval *data) {
        _cleanup_buf_ struct buf text = BUF_INIT(CHUNK_MAX);

        (void)buf_appendf(&text, "event: %s\ndata: ", event);
        (void)jval_append(data, &text);
        (void)buf_append_str(&text, "\n\n");
        return make(kind, &text);
}

static int begin_lines(struct buf *out, int64_t last, int64_t skipped) {
        return buf_appendf(out, "id: %lld\nevent: lines\ndata: {\"skipped\":%lld,\"lines\":[", (long long)last,
                           (long long)skipped);
}

struct chunk *chunk_of_lines(const struct jval *lines, int64_t after, int64_t skipped) {
        _cleanup_buf_ struct buf text = BUF_INIT(CHUNK_MAX);
        size_t n = jval_array_size(lines), begin = 0;
        struct chunk *chunk;
        uint32_t *offsets;

        while (begin < n && jval_get_int(jval_at(lines, begin), "seq", 0) <= after)
                begin++;
        if (begin == n)
                return NULL;
        offsets = xreallocarray(NULL, n - begin, sizeof(*offsets));
        (void)begin_lines(&text, jval_get_int(jval_at(lines, n - 1), "seq", 0), skipped);
        for (size_t i = begin; i < n; i++) {
                if (i > begin)
                        (void)buf_append_char(&text, ',');
                offsets[i - begin] = (uint32_t)text.len;
                (void)jval_append(jval_at(lines, i), &text);
        }
        (void)buf_append_str(&text, "]}\n\n");
        chunk = make(CHUNK_LINES, &text);
        chunk->first = jval_get_int(jval_at(lines, begin), "seq", 0);
        chunk->last = jval_get_int(jval_at(lines, n - 1), "seq", 0);
        chunk->offsets = offsets;
        chunk->n_lines = n - begin;
        return chunk;
}

int chunk_append_rest(const struct chunk *chunk, int64_t after, struct buf *out) {
        size_t skip = (size_t)MAX(after + 1 - chunk->first, (int64_t)0);
        int r;

        assert(chunk->kind == CHUNK_LINES && skip < chunk->n_lines);
        r = begin_lines(out, chunk->last, 0);
        return r < 0 ? r : buf_append(out, chunk->text + chunk->offsets[skip], chunk->len - chunk->offsets[skip]);
}

int chunk_append_skipped(int64_t skipped, struct buf *out) {
        return buf_appendf(out, "event: lines\ndata: {\"skipped\":%lld,\"lines\":[]}\n\n", (long long)skipped);
}
