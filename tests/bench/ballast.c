/* Preloaded into a daemon to make it hold $BENCH_BALLAST megabytes, touched, from its start on. */
#include <stdlib.h>
#include <string.h>

__attribute__((constructor)) static void take_ballast(void) {
        const char *megabytes = getenv("BENCH_BALLAST");
        size_t size = megabytes ? strtoul(megabytes, NULL, 10) << 20 : 0;
        char *memory = size ? malloc(size) : NULL;

        if (memory)
                memset(memory, 1, size);
}
