#include "job_type.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "cleanup.h"
#include "fileutil.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

#define SYSTEMD_SERVICE "org.freedesktop.systemd1"
#define CGROUP_TEXT_MAX ((size_t)64 * 1024)
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define UNIT_PREFIX "/org/freedesktop/systemd1/unit"

static const char *const names[] = {
        [JOB_TYPE_NONE] = "none",
        [JOB_TYPE_RESTART] = "restart",
        [JOB_TYPE_STOP] = "stop",
        [JOB_TYPE_SHUTDOWN] = "shutdown",
};

const char *job_type_to_string(enum job_type type) {
        return names[type];
}

enum job_type job_type_from_systemd(const char *word) {
        if (streq(word, "stop"))
                return JOB_TYPE_STOP;
        if (streq(word, "restart") || streq(word, "try-restart"))
                return JOB_TYPE_RESTART;
        return JOB_TYPE_NONE;
}

static void bus_release(sd_bus **bus) {
        sd_bus_close_unref(*bus);
}

static void message_release(sd_bus_message **message) {
        sd_bus_message_unref(*message);
}

/* sd_bus_call waits for the connection without a limit, so the reply is waited for by hand. */
struct reply {
        sd_bus_message *message;
};

static int on_reply(sd_bus_message *message, void *user, sd_bus_error *error) {
        struct reply *reply = user;

        (void)error;
        reply->message = sd_bus_message_ref(message);
        return 0;
}

static int wait_for_reply(sd_bus *bus, struct reply *reply, usec_t deadline) {
        while (!reply->message) {
                usec_t now = now_boottime();
                int r;

                if (now >= deadline)
                        return -ETIMEDOUT;
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, deadline - now);
                if (r < 0 && r != -EINTR)
                        return r;
        }
        return 0;
}

/* A property as a message to read from. */
static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property, const char *type,
                        usec_t deadline, sd_bus_message **ret) {
        struct reply reply = {0};
        _cleanup_(message_release) sd_bus_message *message = NULL;
        sd_bus_slot *slot = NULL;
        int r;

        r = sd_bus_call_method_async(bus, &slot, SYSTEMD_SERVICE, path, "org.freedesktop.DBus.Properties", "Get",
                                     on_reply, &reply, "ss", interface, property);
        if (r < 0)
                return r;
        r = wait_for_reply(bus, &reply, deadline);
        sd_bus_slot_unref(slot);
        message = reply.message;
        if (r >= 0 && sd_bus_message_is_method_error(message, NULL))
                r = -sd_bus_message_get_errno(message);
        if (r >= 0)
                r = sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, type);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(message);
        return 0;
}

/* Whether systemd itself is on its way out. When it does not say, it is not: a stop is just a stop. */
static bool is_going_down(sd_bus *bus, usec_t deadline) {
        _cleanup_(message_release) sd_bus_message *state = NULL;
        const char *word;

        return get_property(bus, MANAGER_PATH, SYSTEMD_SERVICE ".Manager", "SystemState", "s", deadline, &state) >= 0 &&
               sd_bus_message_read(state, "s", &word) >= 0 && streq(word, "stopping");
}

static int query(sd_bus *bus, const char *unit, usec_t deadline, enum job_type *ret) {
        _cleanup_(message_release) sd_bus_message *job = NULL;
        _cleanup_(message_release) sd_bus_message *type = NULL;
        _cleanup_free_ char *path = NULL;
        const char *job_path, *word;
        uint32_t id;
        int r = sd_bus_path_encode(UNIT_PREFIX, unit, &path);

        if (r < 0)
                return r;
        r = get_property(bus, path, SYSTEMD_SERVICE ".Unit", "Job", "(uo)", deadline, &job);
        if (r >= 0)
                r = sd_bus_message_read(job, "(uo)", &id, &job_path);
        if (r < 0)
                return r;
        if (id == 0) {
                *ret = JOB_TYPE_NONE;
                return 0;
        }
        r = get_property(bus, job_path, SYSTEMD_SERVICE ".Job", "JobType", "s", deadline, &type);
        if (r >= 0)
                r = sd_bus_message_read(type, "s", &word);
        if (r < 0)
                return r;
        *ret = job_type_from_systemd(word);
        if (*ret == JOB_TYPE_STOP && is_going_down(bus, deadline))
                *ret = JOB_TYPE_SHUTDOWN;
        return 0;
}

/* The service in a path of cgroup2, as "/system.slice/batchd.service/.control": the last component that is one. */
static char *service_in_path(const char *path) {
        const char *found = NULL;
        size_t found_len = 0;

        while (*path) {
                size_t len = strcspn(path, "/");

                if (len > strlen(".service") &&
                    strncmp(path + len - strlen(".service"), ".service", strlen(".service")) == 0) {
                        found = path;
                        found_len = len;
                }
                path += len + (path[len] == '/');
        }
        return found ? xstrndup(found, found_len) : NULL;
}

/* The unit of this process from /proc/self/cgroup alone: libsystemd looks at /proc/1 too, which ProtectProc= hides. */
static char *own_unit(bool *ret_of_user) {
        _cleanup_free_ char *text = NULL;
        char *line;

        if (read_file("/proc/self/cgroup", CGROUP_TEXT_MAX, &text, NULL) < 0)
                return NULL;
        line = startswith(text, "0::") ? text : strstr(text, "\n0::");
        if (!line)
                return NULL;
        line += strcspn(line, "/");
        line[strcspn(line, "\n")] = '\0';
        *ret_of_user = strstr(line, "/user@") != NULL;
        return service_in_path(line);
}

int job_type_query(const char *unit, usec_t timeout, enum job_type *ret) {
        usec_t deadline = now_boottime() + timeout;
        _cleanup_(bus_release) sd_bus *bus = NULL;
        bool of_user = false;
        _cleanup_free_ char *name = unit ? xstrdup(unit) : own_unit(&of_user);
        int r;

        if (!name)
                return -ENODATA;
        r = of_user ? sd_bus_open_user(&bus) : sd_bus_open_system(&bus);
        return r < 0 ? r : query(bus, name, deadline, ret);
}
