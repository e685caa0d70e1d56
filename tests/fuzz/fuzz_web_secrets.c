/* The files of batch-web's secrets: tokens and the hash of the password. Whatever they hold, what is taken can be found
 * by nobody who does not have the token, and what is refused names its line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "password.h"
#include "strutil.h"
#include "tokens.h"
#include "xalloc.h"

static void require(int condition) {
        if (!condition)
                abort();
}

static void check_tokens(const struct tokens *tokens) {
        for (size_t i = 0; i < tokens->n_entries; i++) {
                require(name_is_valid(tokens->entries[i].name) && strlen(tokens->entries[i].hash) == SECRET_SIZE - 1);
                /* The hash itself is no token. */
                require(!tokens_find(tokens, tokens->entries[i].hash));
        }
        require(!tokens_find(tokens, ""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_close_ int fd = memfd_create("secrets", MFD_CLOEXEC);
        _cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd), *error = NULL,
                            *text = xstrndup((const char *)data, size);
        struct tokens tokens = {0};

        require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
        if (tokens_load(&tokens, path, &error) < 0)
                require(error && tokens.n_entries == 0);
        else
                check_tokens(&tokens);
        tokens_done(&tokens);
        (void)password_hash_is_usable(strstrip(text));
        return 0;
}
