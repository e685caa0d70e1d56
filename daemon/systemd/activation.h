/* Descriptors that the service manager passes at start (sd_listen_fds(3)): from batchd.socket, or the service's own
 * descriptor store. */
#pragma once

/* Takes the listening Unix stream socket of that name: *ret_fd is it, or -1 when none was passed. Everything else that
 * was passed is closed, *ret_closed (may be NULL) tells how many; so is a socket whose file is gone or another's, since
 * no client could find it. LISTEN_* leave the environment. 0 or negative errno. To be called once, before threads and
 * before anything is opened. */
int activation_take_socket(const char *name, int *ret_fd, unsigned *ret_closed);
