/* Descriptors that the service manager passes at start (sd_listen_fds(3)): from batchd.socket, or the service's own
 * descriptor store. */
#pragma once

#include <stdbool.h>

/* Takes the descriptor of that name which is usable: *ret_fd is it, or -1 when none was passed. Everything else that
 * was passed is closed, *ret_closed (may be NULL) tells how many. LISTEN_* leave the environment. 0 or negative errno.
 * To be called once, before threads and before anything is opened. */
int activation_take_fd(const char *name, bool (*is_usable)(int fd), int *ret_fd, unsigned *ret_closed);
/* The same for a listening Unix stream socket; one whose file is gone or another's is not usable, since no client could
 * find it. */
int activation_take_socket(const char *name, int *ret_fd, unsigned *ret_closed);
