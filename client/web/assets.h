/* The files of the status page, read once and held, also compressed. Only what was there when they were read can be
 * asked for, so no name leads out of the folder. */
#pragma once

#include <stddef.h>

#include "http_conn.h"

struct assets;

/* Reads index.html and all other files of the folder, those of its folders too. 0 or negative errno with *ret_error. */
int assets_load(struct assets **ret, const char *folder, char **ret_error);
struct assets *assets_free(struct assets *assets);
/* Answers with the file ("index.html", "app.js"). False: there is none, and nothing was answered. */
bool assets_reply(const struct assets *assets, const char *name, struct http_conn *conn,
                  const struct http_request *request);
/* Bytes of all files as they go over the wire to a browser. */
size_t assets_compressed_size(const struct assets *assets);
