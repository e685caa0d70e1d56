#include "assets.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "cleanup.h"
#include "errortext.h"
#include "fileutil.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

#define FILE_MAX ((size_t)2 * 1024 * 1024)
#define FILES_MAX 256
#define DEPTH_MAX 3

struct asset {
        char *name;
        const char *type;
        char *text, *packed; /* packed NULL: it does not get smaller */
        size_t len, packed_len;
        char etag[32], packed_etag[32];
};

struct assets {
        struct asset *files;
        size_t n_files, capacity;
};

static const struct {
        const char *ending, *type;
} types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".txt", "text/plain; charset=utf-8"},
};

/* NULL: a kind of file that the page has no use for (an editor's backup, say). */
static const char *type_of(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (endswith(name, types[i].ending))
                        return types[i].type;
        return NULL;
}

/* gzip, RFC 1952 (window bits + 16). */
static void pack(struct asset *asset) {
        z_stream stream = {0};
        size_t bound;

        if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
                return;
        bound = deflateBound(&stream, asset->len);
        asset->packed = xmalloc(bound);
        stream.next_in = (Bytef *)asset->text;
        stream.avail_in = (uInt)asset->len;
        stream.next_out = (Bytef *)asset->packed;
        stream.avail_out = (uInt)bound;
        if (deflate(&stream, Z_FINISH) == Z_STREAM_END && stream.total_out < asset->len)
                asset->packed_len = stream.total_out;
        else
                free(STEAL_PTR(asset->packed));
        (void)deflateEnd(&stream);
}

static int add_file(struct assets *assets, const char *path, const char *name, char **ret_error) {
        struct asset asset = {.type = type_of(name)};
        unsigned long hash;
        int r;

        if (!asset.type)
                return 0;
        if (assets->n_files == FILES_MAX)
                return error_set(ret_error, -E2BIG, "%s: more than %d files", path, FILES_MAX);
        r = read_file(path, FILE_MAX, &asset.text, &asset.len);
        if (r < 0)
                return error_set(ret_error, r, "%s: %s", path, strerror(-r));
        asset.name = xstrdup(name);
        pack(&asset);
        hash = crc32(adler32(0, (const Bytef *)asset.text, (uInt)asset.len), (const Bytef *)asset.text,
                     (uInt)asset.len);
        (void)snprintf(asset.etag, sizeof(asset.etag), "\"%lx-%zx\"", hash, asset.len);
        (void)snprintf(asset.packed_etag, sizeof(asset.packed_etag), "\"%lx-gz\"", hash);
        GROW(assets->files, assets->n_files, assets->capacity);
        assets->files[assets->n_files++] = asset;
        return 0;
}

static int add_folder(struct assets *assets, const char *folder, const char *prefix, unsigned depth, char **ret_error) {
        DIR *dir = opendir(folder);
        struct dirent *entry;
        int r = 0;

        if (!dir)
                return error_set(ret_error, -errno, "%s: %s", folder, strerror(errno));
        while (r == 0 && (entry = readdir(dir))) {
                _cleanup_free_ char *path = path_join(folder, entry->d_name),
                                    *name = xasprintf("%s%s", prefix, entry->d_name);
                struct stat status;

                if (entry->d_name[0] == '.' || stat(path, &status) < 0)
                        continue;
                if (S_ISREG(status.st_mode)) {
                        r = add_file(assets, path, name, ret_error);
                } else if (S_ISDIR(status.st_mode) && depth < DEPTH_MAX) {
                        _cleanup_free_ char *below = xasprintf("%s/", name);

                        r = add_folder(assets, path, below, depth + 1, ret_error);
                }
        }
        (void)closedir(dir);
        return r;
}

static const struct asset *find(const struct assets *assets, const char *name) {
        for (size_t i = 0; i < assets->n_files; i++)
                if (streq(assets->files[i].name, name))
                        return &assets->files[i];
        return NULL;
}

int assets_load(struct assets **ret, const char *folder, char **ret_error) {
        struct assets *assets = NEW(struct assets);
        int r = add_folder(assets, folder, "", 0, ret_error);

        if (r == 0 && !find(assets, "index.html"))
                r = error_set(ret_error, -ENOENT, "%s has no index.html", folder);
        if (r < 0) {
                assets_free(assets);
                return r;
        }
        *ret = assets;
        return 0;
}

struct assets *assets_free(struct assets *assets) {
        if (!assets)
                return NULL;
        for (size_t i = 0; i < assets->n_files; i++) {
                free(assets->files[i].name);
                free(assets->files[i].text);
                free(assets->files[i].packed);
        }
        free(assets->files);
        free(assets);
        return NULL;
}

/* RFC 9110, 13.1.2: a proxy that packs answers makes tags weak, and they match all the same. */
static bool is_known(const struct http_request *request, const char *etag) {
        const char *known = http_head_get(&request->head, "If-None-Match");
        _cleanup_free_ char *weak = xasprintf("W/%s", etag);

        return http_value_has(known, etag) || http_value_has(known, weak) || http_value_has(known, "*");
}

bool assets_reply(const struct assets *assets, const char *name, struct http_conn *conn,
                  const struct http_request *request) {
        const struct asset *asset = assets ? find(assets, name) : NULL;
        struct http_reply reply = {.status = 200};
        const char *etag;
        bool packed;

        if (!asset)
                return false;
        packed = asset->packed && http_value_has(http_head_get(&request->head, "Accept-Encoding"), "gzip");
        reply.type = asset->type;
        reply.body = packed ? asset->packed : asset->text;
        reply.len = packed ? asset->packed_len : asset->len;
        etag = packed ? asset->packed_etag : asset->etag;
        http_reply_add(&reply, "ETag", etag);
        /* Kept, and asked for again each time: an upgrade is seen at once, and costs an answer without a body. */
        http_reply_add(&reply, "Cache-Control", "no-cache");
        http_reply_add(&reply, "Vary", "Accept-Encoding");
        if (packed)
                http_reply_add(&reply, "Content-Encoding", "gzip");
        if (is_known(request, etag)) {
                reply.status = 304;
                reply.len = 0;
        }
        http_conn_reply(conn, &reply);
        return true;
}

size_t assets_compressed_size(const struct assets *assets) {
        size_t size = 0;

        for (size_t i = 0; assets && i < assets->n_files; i++)
                size += assets->files[i].packed ? assets->files[i].packed_len : assets->files[i].len;
        return size;
}
