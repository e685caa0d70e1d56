#include "base64.h"

#include <stdint.h>

#include "xalloc.h"

char *base64_encode(const void *data, size_t len) {
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const uint8_t *in = data;
        char *text = xmalloc((len + 2) / 3 * 4 + 1), *out = text;

        for (size_t i = 0; i < len; i += 3) {
                uint32_t group = (uint32_t)in[i] << 16;
                if (i + 1 < len)
                        group |= (uint32_t)in[i + 1] << 8;
                if (i + 2 < len)
                        group |= in[i + 2];
                *out++ = alphabet[group >> 18];
                *out++ = alphabet[group >> 12 & 63];
                *out++ = i + 1 < len ? alphabet[group >> 6 & 63] : '=';
                *out++ = i + 2 < len ? alphabet[group & 63] : '=';
        }
        *out = '\0';
        return text;
}
