#include "item_list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "errortext.h"
#include "macro.h"
#include "strv.h"
#include "utf8.h"
#include "xalloc.h"

/* Of a name that does not fit, as much as helps to find it. */
#define SHOWN 40

/* A list being made: open addressing finds what is there already. */
struct maker {
        struct item_list list;
        size_t text_len, text_size, capacity;
        uint32_t *slots; /* index + 1; 0: free */
        size_t n_slots;  /* a power of two */
        size_t dropped;
};

static void maker_done(struct maker *maker) {
        item_list_done(&maker->list);
        free(maker->slots);
}

void item_list_done(struct item_list *list) {
        free(list->text);
        free(list->starts);
        *list = (struct item_list){0};
}

static bool is_name(const struct maker *maker, size_t index, const char *name, size_t len) {
        const char *other = item_list_at(&maker->list, index);

        return strlen(other) == len && memcmp(other, name, len) == 0;
}

/* The slot that holds the name, or the free one where it belongs. */
static uint32_t *find_slot(struct maker *maker, const char *name, size_t len) {
        size_t at = (size_t)fnv64(FNV64_START, name, len) & (maker->n_slots - 1);

        while (maker->slots[at] != 0 && !is_name(maker, maker->slots[at] - 1, name, len))
                at = (at + 1) & (maker->n_slots - 1);
        return &maker->slots[at];
}

static void grow_slots(struct maker *maker) {
        if (maker->list.n * 2 < maker->n_slots)
                return;
        free(maker->slots);
        maker->n_slots = maker->n_slots ? maker->n_slots * 4 : 64;
        maker->slots = xcalloc(maker->n_slots, sizeof(*maker->slots));
        for (size_t i = 0; i < maker->list.n; i++) {
                const char *name = item_list_at(&maker->list, i);

                *find_slot(maker, name, strlen(name)) = (uint32_t)i + 1;
        }
}

static void store_name(struct maker *maker, const char *name, size_t len) {
        if (maker->text_len + len + 1 > maker->text_size) {
                maker->text_size = MAX(maker->text_size * 2, maker->text_len + len + 1);
                maker->list.text = xrealloc(maker->list.text, maker->text_size);
        }
        GROW(maker->list.starts, maker->list.n, maker->capacity);
        maker->list.starts[maker->list.n++] = (uint32_t)maker->text_len;
        memcpy(maker->list.text + maker->text_len, name, len);
        maker->list.text[maker->text_len + len] = '\0';
        maker->text_len += len + 1;
}

static bool has_control(const char *name, size_t len) {
        for (size_t i = 0; i < len; i++)
                if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
                        return true;
        return false;
}

/* what: "line" or "word", with its number from 1. */
static int add_name(struct maker *maker, const char *name, size_t len, const char *what, size_t number,
                    char **ret_error) {
        _cleanup_free_ char *shown = NULL;
        uint32_t *slot;

        if (len > ITEM_MAX || has_control(name, len) || !utf8_is_valid(name, len)) {
                shown = utf8_escape(name, len, SHOWN);
                return error_set(ret_error, -EINVAL,
                                 "%s %zu of the list of items (\"%s%s\") is no name of an item: one is UTF-8 without "
                                 "control characters, at most %zu bytes",
                                 what, number, shown, len > SHOWN ? "..." : "", ITEM_MAX);
        }
        grow_slots(maker);
        slot = find_slot(maker, name, len);
        if (*slot != 0) {
                maker->dropped++;
                return 0;
        }
        if (maker->list.n == ITEMS_MAX || maker->text_len + len + 1 > ITEMS_TEXT_MAX)
                return error_set(ret_error, -E2BIG,
                                 "the list of items is too long; at most %zu items in %zu bytes: split the work over "
                                 "several runs",
                                 ITEMS_MAX, ITEMS_TEXT_MAX);
        *slot = (uint32_t)maker->list.n + 1;
        store_name(maker, name, len);
        return 0;
}

static int finish(struct maker *maker, int r, struct item_list *ret, size_t *ret_dropped) {
        if (r == 0) {
                *ret = maker->list;
                maker->list = (struct item_list){0};
                *ret_dropped = maker->dropped;
        }
        maker_done(maker);
        return r;
}

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\r';
}

int item_list_from_text(struct item_list *ret, const char *text, size_t len, size_t *ret_dropped, char **ret_error) {
        struct maker maker = {0};
        size_t number = 0;
        int r = 0;

        while (r == 0 && len > 0) {
                const char *newline = memchr(text, '\n', len), *name = text;
                size_t line_len = newline ? (size_t)(newline - text) : len, name_len = line_len;

                number++;
                for (; name_len > 0 && is_space(*name); name++)
                        name_len--;
                while (name_len > 0 && is_space(name[name_len - 1]))
                        name_len--;
                if (name_len > 0)
                        r = add_name(&maker, name, name_len, "line", number, ret_error);
                text += line_len + (newline ? 1 : 0);
                len -= line_len + (newline ? 1 : 0);
        }
        return finish(&maker, r, ret, ret_dropped);
}

int item_list_from_words(struct item_list *ret, char *const *words, size_t *ret_dropped, char **ret_error) {
        struct maker maker = {0};
        size_t number = 0;
        int r = 0;

        for (char *const *word = words; r == 0 && word && *word; word++) {
                number++;
                if (**word)
                        r = add_name(&maker, *word, strlen(*word), "word", number, ret_error);
        }
        return finish(&maker, r, ret, ret_dropped);
}

char *item_list_to_text(const struct item_list *list) {
        size_t len = list->n > 0 ? list->starts[list->n - 1] + strlen(item_list_at(list, list->n - 1)) + 1 : 0;
        char *text = xmalloc(len + 1);

        for (size_t i = 0; i < len; i++)
                text[i] = list->text[i] == '\0' ? '\n' : list->text[i];
        text[len] = '\0';
        return text;
}
