/* Checking a password takes a tenth of a second on purpose: a thread of its own does it. */
#pragma once

#include <stdbool.h>

#include "loop.h"

struct password_checker;

/* On the loop's thread. */
typedef void (*password_fn)(bool is_right, void *user);

int password_checker_new(struct password_checker **ret, struct loop *loop);
/* What is being checked gets no answer any more. */
struct password_checker *password_checker_free(struct password_checker *checker);
/* Compares with a hash as crypt(5) describes it. 0, or -EAGAIN when too many wait. Copies. */
int password_check(struct password_checker *checker, const char *password, const char *hash, password_fn fn,
                   void *user);

/* A yescrypt hash of it, new memory; NULL when that is not possible here. */
char *password_hash(const char *password);
/* Whether a text is a hash that is good enough to be used. */
bool password_hash_is_usable(const char *hash);
