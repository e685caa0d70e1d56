/* What a command behind ForEach=! prints: names that can be shown and stored, each once, or a refusal that names the
 * line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "item_list.h"
#include "utf8.h"

static void require(int condition) {
        if (!condition)
                abort();
}

static void check(const struct item_list *list) {
        _cleanup_free_ char *text = item_list_to_text(list);
        _cleanup_item_list_ struct item_list again = {0};
        size_t dropped = 0;

        for (size_t i = 0; i < list->n; i++) {
                const char *name = item_list_at(list, i);
                size_t len = strlen(name);

                require(len > 0 && len <= ITEM_MAX && utf8_is_valid(name, len));
        }
        /* The same from the text that is stored: nothing is dropped a second time. */
        require(item_list_from_text(&again, text, strlen(text), &dropped, NULL) == 0);
        require(again.n == list->n && dropped == 0);
        for (size_t i = 0; i < list->n; i++)
                require(strcmp(item_list_at(&again, i), item_list_at(list, i)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_item_list_ struct item_list list = {0};
        _cleanup_free_ char *error = NULL;
        size_t dropped = 0;
        int r = item_list_from_text(&list, (const char *)data, size, &dropped, &error);

        require((r < 0) == (error != NULL));
        if (r == 0)
                check(&list);
        return 0;
}
