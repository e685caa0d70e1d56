#include "runner_message.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

void runner_log_head_encode(char head[static RUNNER_LOG_HEAD_SIZE], uint64_t size) {
        head[0] = RUNNER_MESSAGE_LOG;
        uint64_t wire = htole64(size);
        memcpy(head + 1, &wire, sizeof(wire));
}

int runner_log_decode(const char *message, size_t len, struct runner_log_message *ret) {
        if (len < RUNNER_LOG_HEAD_SIZE)
                return -EBADMSG;
        uint64_t wire;
        memcpy(&wire, message + 1, sizeof(wire));
        struct runner_log_message log = {
                .size = le64toh(wire), .data = message + RUNNER_LOG_HEAD_SIZE, .len = len - RUNNER_LOG_HEAD_SIZE};
        if (log.len > log.size)
                return -EBADMSG;
        *ret = log;
        return 0;
}
