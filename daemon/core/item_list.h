/* The items of a ForEach=: names, each once, in the order in which they were given. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

#define ITEMS_MAX ((size_t)100000)
/* Of all names with their line ends. */
#define ITEMS_TEXT_MAX ((size_t)1024 * 1024)
/* Bytes of one name. */
#define ITEM_MAX ((size_t)255)

struct item_list {
        char *text; /* the names, a NUL behind each */
        uint32_t *starts;
        size_t n;
};

static inline const char *item_list_at(const struct item_list *list, size_t index) {
        return list->text + list->starts[index];
}

void item_list_done(struct item_list *list);
#define _cleanup_item_list_ _cleanup_(item_list_done)

/* One item a line; white space around a name does not count, empty lines are left out, and of equal names the later
 * ones are dropped and counted (*ret_dropped). A name is UTF-8 without control characters, at most ITEM_MAX bytes.
 * -EINVAL with *ret_error that names the line; -E2BIG for too many. */
int item_list_from_text(struct item_list *ret, const char *text, size_t len, size_t *ret_dropped, char **ret_error);
/* The same from words. */
int item_list_from_words(struct item_list *ret, char *const *words, size_t *ret_dropped, char **ret_error);
/* As item_list_from_text reads it. New memory. */
char *item_list_to_text(const struct item_list *list);
