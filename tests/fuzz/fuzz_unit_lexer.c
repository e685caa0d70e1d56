/* Any bytes as a unit file: every token is well formed, every value can be split into words or is refused with a
 * reason. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit_lexer.h"
#include "unit_word.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void split_words(const char *value) {
        const char *position = value;
        char *error = NULL, *word;
        int r;

        while ((r = unit_word_next(&position, &word, NULL, &error)) > 0) {
                assert(utf8_is_valid(word, strlen(word)));
                free(word);
        }
        assert((r < 0) == (error != NULL));
        free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct diagnostics diagnostics = {0};
        struct unit_lexer lexer;
        struct unit_token token;
        unsigned last = 0;

        unit_lexer_init(&lexer, "fuzz.job", (const char *)data, size, &diagnostics);
        while (unit_lexer_next(&lexer, &token)) {
                assert(token.line > last);
                last = token.line;
                if (token.type == UNIT_SECTION) {
                        assert(!token.name || strlen(token.name) <= size);
                        continue;
                }
                assert(*token.name && utf8_is_valid(token.value, strlen(token.value)));
                split_words(token.value);
        }
        unit_lexer_done(&lexer);
        diagnostics_done(&diagnostics);
        return 0;
}
