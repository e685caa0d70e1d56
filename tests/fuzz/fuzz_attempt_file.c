/* A torn, foreign or hostile attempt file, the fields in it, and the messages that a monitor sends. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attempt_file.h"
#include "attempt_state.h"
#include "cleanup.h"
#include "fields.h"
#include "runner_message.h"
#include "runner_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(const char *key, const char *value, void *user) {
}

/* As the daemon reads them from the socket of a monitor. */
static void read_message(const char *message, size_t len) {
        const char *cursor = message + 1, *key, *value;
        struct runner_log_message log;
        struct field field;

        if (runner_log_decode(message, len, &log) >= 0 &&
            (log.len > len || (log.len > 0 && log.data + log.len != message + len)))
                abort();
        while (fields_next(&cursor, message + len, &field) > 0) {
                _cleanup_free_ char *text = strdup(field.value);
                if (report_decode(text, &key, &value) >= 0 && (strchr(key, '\n') || value < key))
                        abort();
        }
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
        if (size > 0)
                read_message((const char *)data, size);
        return 0;
}
