#include "alert_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "fileutil.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

#define CREDENTIAL_MAX ((size_t)16 * 1024)

/* The text of a credential without the line's end. */
static int read_credential(const char *name, char **ret, char **ret_error) {
        const char *folder = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_free_ char *path = NULL, *text = NULL;
        int r;

        if (!folder || !*folder)
                return error_set(ret_error, -ENOENT,
                                 "there is no credential %s: write LoadCredential=%s:FILE for batch-runner.service "
                                 "(systemctl edit batch-runner)",
                                 name, name);
        path = path_join(folder, name);
        r = read_file(path, CREDENTIAL_MAX, &text, NULL);
        if (r < 0)
                return error_set(ret_error, r,
                                 "the credential %s cannot be read (%s): see LoadCredential= of batch-runner.service",
                                 name, strerror(-r));
        *ret = xstrdup(strstrip(text));
        explicit_bzero(text, strlen(text));
        return 0;
}

static int read_headers(struct alert_request *request, char **ret_error) {
        _cleanup_strv_ char **names = strv_split(str_or(getenv("BATCH_ALERT_HEADER_CREDENTIALS"), ""), "\n");

        request->headers = strv_split(str_or(getenv("BATCH_ALERT_HEADERS"), ""), "\n");
        STRV_FOREACH (name, names) {
                char *line = NULL;
                int r = read_credential(*name, &line, ret_error);

                if (r < 0)
                        return r;
                if (strpbrk(line, "\r\n") || !strchr(line, ':')) {
                        explicit_bzero(line, strlen(line));
                        free(line);
                        return error_set(ret_error, -EINVAL,
                                         "the credential %s holds no header; it takes one line \"Name: value\"", *name);
                }
                strv_append_take(&request->headers, line);
        }
        return 0;
}

int alert_request_read(struct alert_request *ret, char **ret_error) {
        const char *url = getenv("BATCH_ALERT_URL"), *credential = getenv("BATCH_ALERT_URL_CREDENTIAL");
        struct alert_request request = {
                .method = str_or(getenv("BATCH_ALERT_METHOD"), "POST"),
                .body = str_or(getenv("BATCH_ALERT_BODY"), ""),
                .content_type = str_or(getenv("BATCH_ALERT_CONTENT_TYPE"), "application/json"),
        };
        int r = 0;

        if (credential)
                r = read_credential(credential, &request.url, ret_error);
        else if (url)
                request.url = xstrdup(url);
        else
                r = error_set(ret_error, -EINVAL,
                              "BATCH_ALERT_URL is not set; batchd runs this program for an [Alert NAME]");
        if (r == 0)
                r = read_headers(&request, ret_error);
        if (r < 0)
                alert_request_done(&request);
        else
                *ret = request;
        return r;
}

void alert_request_done(struct alert_request *request) {
        if (request->url)
                explicit_bzero(request->url, strlen(request->url));
        free(request->url);
        STRV_FOREACH (line, request->headers)
                explicit_bzero(*line, strlen(*line));
        request->headers = strv_free(request->headers);
        *request = (struct alert_request){0};
}
