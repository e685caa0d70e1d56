/* The commands that make secrets: a hash for the password's credential, a token and its line. */
#pragma once

#include <stdbool.h>

/* Reads a password (twice from a terminal, without showing it) and prints its hash. The exit status. */
int secret_hash_password(void);
/* Prints a new token and the line for the token file. The exit status. */
int secret_make_token(const char *name, bool may_act);
