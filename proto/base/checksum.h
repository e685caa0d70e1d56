/* Checksums for records on disk (torn writes, not attackers), and a hash for definitions. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli, RFC 3720 appendix B.4). Start with crc = 0; may be continued. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
/* FNV-1a, 64 bits. Start with FNV64_START; may be continued. */
#define FNV64_START 0xcbf29ce484222325ULL
uint64_t fnv64(uint64_t hash, const void *data, size_t len);
