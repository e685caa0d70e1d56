/* A JSON text as a flat tree of nodes, for the API's answers of several megabytes.
 *
 * The text is changed in place and must outlive the document: strings are unescaped and ended with NUL where they
 * stand, so that a player list of 5.5 MB costs 24 bytes a value beside itself and no allocation a value. (The control
 * protocol's values are made of counted objects: right for small messages that are also built, too slow and too large
 * for this.)
 *
 * RFC 8259. Refused: trailing text, invalid UTF-8, lone surrogates, NUL in a string, more than 64 levels. Equal keys in
 * an object are not looked for; the first counts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_node {
        enum json_type type;
        uint32_t length;  /* bytes of a string or number; values in an array; members of an object */
        uint32_t span;    /* nodes in this subtree, itself included */
        const char *text; /* of a string (NUL behind it) or a number (no NUL) */
};

struct json_doc {
        struct json_node *nodes; /* nodes[0] is the root */
        size_t count;
        size_t capacity;
};

/* 0, or -EBADMSG with "byte N: what" in ret_error; the document is then empty. length below 2^32. */
int json_parse(char *text, size_t length, struct json_doc *ret, char **ret_error);
void json_done(struct json_doc *doc);
#define _cleanup_json_ _cleanup_(json_done)

/* Every accessor takes NULL for "missing". */
static inline bool json_is(const struct json_node *node, enum json_type type) {
        return node && node->type == type;
}
/* "an object", "a string", ...; "nothing" for NULL. */
const char *json_type_name(const struct json_node *node);
/* The value of a member, or NULL. */
const struct json_node *json_member(const struct json_node *object, const char *key);
/* The text of a string (borrowed), or NULL for anything else. */
const char *json_text(const struct json_node *node);
const char *json_member_text(const struct json_node *object, const char *key);
/* True for what the API uses for "none": missing, null, "", {} and []. */
bool json_is_nothing(const struct json_node *node);
/* Integers as the API writes them: 7, "7", "-2", "+5", "1757031600.0", "" and null and missing being `otherwise`. 0, or
 * -EBADMSG for what is no whole number within +-10^15. */
int json_integer(const struct json_node *node, int64_t otherwise, int64_t *ret);

/* Iteration: over an array the values; over an object the keys (strings), the value being key + 1. */
static inline const struct json_node *json_first(const struct json_node *container) {
        return container && container->length > 0 && container->type >= JSON_ARRAY ? container + 1 : NULL;
}
static inline const struct json_node *json_step(const struct json_node *container, const struct json_node *at) {
        const struct json_node *next = at + at->span;
        if (container->type == JSON_OBJECT)
                next = at + 1 + (at + 1)->span;
        return next < container + container->span ? next : NULL;
}
#define JSON_FOREACH(node, container)                                                                                  \
        for (const struct json_node *node = json_first(container); node; node = json_step(container, node))
