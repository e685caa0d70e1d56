/* The daemon's end of a connection, played by batch-web over HTTP: frames in, requests out, answers back as frames. */
#pragma once

#include "timeutil.h"

struct remote_config {
        const char *url;     /* of batch-web, "https://host/prefix" */
        const char *token;   /* NULL: none */
        const char *ca_file; /* NULL: the system's */
        usec_t patience;     /* how long a server that cannot be reached is tried again */
};

/* Serves the client at fd until it closes the connection. The exit status. */
int remote_serve(const struct remote_config *config, int fd);
