/* Bearer tokens of scripts. The file has a line for each: its name, what it may do (watch or act), and the SHA-256 of
 * the token, which has 256 bits of chance and so needs no slow hash. Without its line a token is worth nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "secret.h"

#define TOKEN_NAME_MAX 64

struct token {
        char *name;
        bool may_act;
        char hash[SECRET_SIZE];
};

struct tokens {
        struct token *entries;
        size_t n_entries, capacity;
};

/* 0 (also when the file is missing, which is no token), or negative errno with *ret_error naming file and line; *ret is
 * then as it was. */
int tokens_load(struct tokens *ret, const char *path, char **ret_error);
void tokens_done(struct tokens *tokens);
/* NULL: nobody's. */
const struct token *tokens_find(const struct tokens *tokens, const char *text);
