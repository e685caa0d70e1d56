#include "checksum.h"

#include <stdbool.h>

static uint32_t crc_table[256];

__attribute__((constructor)) static void crc_table_fill(void) {
        for (uint32_t i = 0; i < 256; i++) {
                uint32_t c = i;

                for (int bit = 0; bit < 8; bit++)
                        c = c & 1 ? c >> 1 ^ 0x82F63B78u : c >> 1;
                crc_table[i] = c;
        }
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len) {
        const unsigned char *s = data;

        crc = ~crc;
        while (len-- > 0)
                crc = crc >> 8 ^ crc_table[(crc ^ *s++) & 0xFF];
        return ~crc;
}

uint64_t fnv64(uint64_t hash, const void *data, size_t len) {
        const unsigned char *s = data;

        while (len-- > 0)
                hash = (hash ^ *s++) * 0x100000001b3ULL;
        return hash;
}
