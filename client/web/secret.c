#include "secret.h"

#include <errno.h>
#include <sha2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void to_hex(const uint8_t bytes[static 32], char ret[static SECRET_SIZE]) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < 32; i++) {
                ret[2 * i] = digits[bytes[i] >> 4];
                ret[2 * i + 1] = digits[bytes[i] & 15];
        }
        ret[64] = '\0';
}

void secret_generate(char ret[static SECRET_SIZE]) {
        uint8_t bytes[32];

        /* Whole for up to 256 bytes once the kernel's pool is ready; a machine that has none cannot make a secret. */
        while (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
                if (errno != EINTR)
                        abort();
        to_hex(bytes, ret);
}

bool secret_equal(const char *a, const char *b) {
        size_t len = strlen(a);
        unsigned char difference = 0;

        if (strlen(b) != len)
                return false;
        for (size_t i = 0; i < len; i++)
                difference |= (unsigned char)(a[i] ^ b[i]);
        return difference == 0;
}

void secret_hash(const char *text, char ret[static SECRET_SIZE]) {
        uint8_t digest[SHA256_DIGEST_LENGTH];
        SHA2_CTX context;

        SHA256Init(&context);
        SHA256Update(&context, (const uint8_t *)text, strlen(text));
        SHA256Final(digest, &context);
        to_hex(digest, ret);
}
