/* Names of users without asking NSS, which may block for as long as a directory server pleases. */
#pragma once

#include <sys/types.h>

/* The name of uid by /etc/passwd, or "#1000" for one that is not there (users of a directory server). New string. */
char *user_name_of(uid_t uid);
