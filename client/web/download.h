/* The whole output of a run as a text file, page by page as the client reads it. */
#pragma once

#include "daemon_link.h"
#include "http_conn.h"

/* Answers on conn: the file, or an error. run: number, uuid; NULL: what runs, else the latest. A run that goes on is
 * told as far as it is. */
void download_open(struct daemon_link *link, struct http_conn *conn, const char *run);
