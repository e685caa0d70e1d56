/* batch-alert: sends one message and says in its exit status how that went (sysexits(3)): 0 delivered, 75 it may work
 * later, 65 refused for good, 78 it is not set up rightly. One line tells why; it names the host, never the address,
 * whose path may be a secret. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "alert_request.h"
#include "cleanup.h"
#include "strutil.h"
#include "strv.h"

#define CONNECT_TIMEOUT_SEC 10L
#define REDIRECTS_MAX 3L

static size_t ignore_answer(char *data, size_t size, size_t count, void *user) {
        (void)data;
        (void)user;
        return size * count;
}

static struct curl_slist *append(struct curl_slist *list, const char *line) {
        struct curl_slist *longer = curl_slist_append(list, line);

        if (!longer)
                abort();
        return longer;
}

static struct curl_slist *header_list(const struct alert_request *request) {
        struct curl_slist *list = append(NULL, "Expect:");
        char line[256];

        (void)snprintf(line, sizeof(line), "Content-Type: %.200s", request->content_type);
        if (!streq(request->method, "GET"))
                list = append(list, line);
        STRV_FOREACH (header, request->headers)
                list = append(list, *header);
        return list;
}

static void set_up(CURL *easy, const struct alert_request *request, struct curl_slist *headers) {
        curl_easy_setopt(easy, CURLOPT_URL, request->url);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_answer);
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "batchd/" BATCHD_VERSION);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_SEC);
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
        curl_easy_setopt(easy, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
        if (streq(request->method, "GET"))
                return;
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(request->body));
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static char *host_of(const char *url) {
        CURLU *parts = curl_url();
        char *host = NULL, *copy;

        if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK)
                (void)curl_url_get(parts, CURLUPART_HOST, &host, 0);
        copy = strdup(host ? host : "the address");
        curl_free(host);
        curl_url_cleanup(parts);
        return copy;
}

/* What the server says will not change by asking again, but for haste (RFC 9110, 15.5). */
static int judge_answer(long status, const char *host) {
        if (status >= 200 && status < 300)
                return EX_OK;
        (void)fprintf(stderr, "%s answered with status %ld\n", host, status);
        return status == 408 || status == 425 || status == 429 || status >= 500 ? EX_TEMPFAIL : EX_DATAERR;
}

static int judge_failure(CURLcode code, const char *host) {
        (void)fprintf(stderr, "%s cannot be reached: %s\n", host, curl_easy_strerror(code));
        switch ((int)code) {
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
                return EX_CONFIG;
        default:
                return EX_TEMPFAIL;
        }
}

static int send_message(const struct alert_request *request) {
        struct curl_slist *headers = header_list(request);
        _cleanup_free_ char *host = host_of(request->url);
        CURL *easy = curl_easy_init();
        long status = 0;
        CURLcode code;

        if (!easy)
                abort();
        set_up(easy, request, headers);
        code = curl_easy_perform(easy);
        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_cleanup(easy);
        curl_slist_free_all(headers);
        return code == CURLE_OK ? judge_answer(status, host) : judge_failure(code, host);
}

int main(void) {
        struct alert_request request = {0};
        _cleanup_free_ char *error = NULL;
        int status;

        if (alert_request_read(&request, &error) < 0) {
                (void)fprintf(stderr, "%s\n", error);
                return EX_CONFIG;
        }
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return EX_TEMPFAIL;
        status = send_message(&request);
        curl_global_cleanup();
        alert_request_done(&request);
        return status;
}
