/* What is to be sent where, from the environment and the credentials of the service. */
#pragma once

#include <stddef.h>

/* Environment, as daemon/engine/alert_environment.c writes it:
 *   BATCH_ALERT_METHOD              POST, PUT or GET
 *   BATCH_ALERT_URL                 the address, or
 *   BATCH_ALERT_URL_CREDENTIAL      the name of the credential that holds it
 *   BATCH_ALERT_BODY, BATCH_ALERT_CONTENT_TYPE
 *   BATCH_ALERT_HEADERS             further header lines
 *   BATCH_ALERT_HEADER_CREDENTIALS  names of credentials that hold such lines, one a line
 */
struct alert_request {
        char *url;
        const char *method, *body, *content_type;
        char **headers; /* with those from credentials */
};

/* 0, or negative errno with *ret_error saying what is missing and where it belongs. */
int alert_request_read(struct alert_request *ret, char **ret_error);
/* Secrets are wiped. */
void alert_request_done(struct alert_request *request);
