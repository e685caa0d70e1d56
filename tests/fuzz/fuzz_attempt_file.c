/* A torn, foreign or hostile attempt file, and the fields in it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attempt_file.h"
#include "attempt_state.h"
#include "runner_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(const char *key, const char *value, void *user) {
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *content = NULL;
        size_t len;
        uint64_t generation;
        int fd = memfd_create("attempt", MFD_CLOEXEC);
        if (fd < 0 || write(fd, data, size) != (ssize_t)size)
                abort();
        if (attempt_file_read(fd, &content, &len, &generation) >= 0)
                free(content);
        (void)close(fd);
        struct attempt_state state = ATTEMPT_STATE_INIT;
        (void)attempt_state_decode((const char *)data, size, &state, ignore, NULL);
        attempt_state_done(&state);
        struct runner_spec spec;
        if (runner_spec_decode((const char *)data, size, &spec) >= 0)
                runner_spec_done(&spec);
        return 0;
}
