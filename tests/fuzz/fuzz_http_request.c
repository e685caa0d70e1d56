/* Requests over HTTP: whatever comes, it is a whole head, a refusal with a status and a sentence, or not yet enough;
 * and an address that is taken has no way out of its folder. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "http_head.h"
#include "http_target.h"
#include "utf8.h"

static void require(int condition) {
        if (!condition)
                abort();
}

static void check_target(const char *text) {
        struct http_target target = {0};
        const char *why = NULL;
        int r = http_target_parse(text, &target, &why);

        require(r == 0 || why);
        if (r < 0)
                return;
        require(target.path[0] == '/' && !strstr(target.path, "/../") && !strstr(target.path, "//"));
        require(utf8_is_valid(target.path, strlen(target.path)));
        for (size_t i = 0; i < target.n_query; i++)
                require(target.query[i].name && target.query[i].value);
        http_target_done(&target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        /* A copy of exactly that size, so that a read behind it is seen. */
        _cleanup_free_ char *copy = malloc(size + (size == 0));
        struct http_head head = {0};
        const char *why = NULL;
        int n;

        if (size > 0)
                memcpy(copy, data, size);
        n = http_head_parse(copy, size, &head, &why);
        require(n <= (int)size);
        require(n >= 0 || (n <= -400 && n > -600 && why));
        if (n > 0) {
                require(head.target[0] == '/' && head.method[0] != '\0');
                check_target(head.target);
                (void)http_value_has(http_head_get(&head, "Connection"), "close");
                http_head_done(&head);
        }
        return 0;
}
