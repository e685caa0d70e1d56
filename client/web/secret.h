/* Random secrets, and comparing them in a time that tells nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* 256 bits as hexadecimal digits. */
#define SECRET_SIZE 65

void secret_generate(char ret[static SECRET_SIZE]);
bool secret_equal(const char *a, const char *b);
/* SHA-256 of a text, as hexadecimal digits. */
void secret_hash(const char *text, char ret[static SECRET_SIZE]);
