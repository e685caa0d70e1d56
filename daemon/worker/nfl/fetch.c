#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "fetch.h"
#include "log.h"
#include "macro.h"
#include "step_report.h"
#include "strutil.h"
#include "xalloc.h"

#define CONNECT_TIMEOUT_MSEC 10000L
#define RETRY_AFTER_MAX (2 * USEC_PER_MINUTE)
#define POLL_MAX_MSEC 1000

/* One request of the list. */
struct request {
        const char *path;
        int tries;
        usec_t not_before; /* boot time */
        bool done;
};

/* One transfer under way. */
struct transfer {
        struct fetch *fetch;
        CURL *easy;
        size_t index; /* of its request */
        bool busy;
        struct buf text;
        char error[CURL_ERROR_SIZE];
};

struct fetch {
        const struct settings *settings;
        CURLM *multi;
        struct curl_slist *headers;
        struct transfer transfers[PARALLEL_MAX];
        uint64_t calls;
        struct quota quota;
        usec_t next_start; /* least distance between requests, and pauses that the API asks for */
        /* the list that is fetched */
        struct request *requests;
        size_t count, left;
        bool slot_free; /* a transfer has ended since requests were last started */
        fetch_done_fn done;
        void *userdata;
        /* what else is waited for */
        struct curl_waitfd watched;
        int (*watch)(void *userdata);
        void *watch_userdata;
};

static size_t on_data(char *data, size_t size, size_t count, void *userdata) {
        struct transfer *transfer = userdata;
        return buf_append(&transfer->text, data, size * count) < 0 ? 0 : size * count;
}

static size_t on_header(char *data, size_t size, size_t count, void *userdata) {
        struct transfer *transfer = userdata;
        size_t length = size * count;
        quota_read(&transfer->fetch->quota, data, length);
        return length;
}

static void add_header(struct fetch *fetch, char *line) {
        struct curl_slist *headers = curl_slist_append(fetch->headers, line);
        if (!headers)
                abort();
        fetch->headers = headers;
        explicit_bzero(line, strlen(line));
        free(line);
}

/* The host and port of the base URL. New string. */
static char *url_host(const char *url) {
        const char *host = strstr(url, "://");
        host = host ? host + 3 : url;
        return xstrndup(host, strcspn(host, "/"));
}

static void transfer_init(struct fetch *fetch, struct transfer *transfer) {
        CURL *easy = curl_easy_init();
        if (!easy)
                abort();
        transfer->fetch = fetch;
        transfer->easy = easy;
        transfer->text = BUF_INIT(ANSWER_MAX);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
        /* http:// is an address of this machine (settings_require_api): no proxy of the environment sees the key. */
        if (startswith(fetch->settings->base_url, "http://"))
                curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "batch-nfl");
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MSEC);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(fetch->settings->timeout / USEC_PER_MSEC));
}

struct fetch *fetch_new(const struct settings *settings) {
        struct fetch *fetch = NEW(struct fetch);
        fetch->settings = settings;
        fetch->quota = QUOTA_INIT;
        fetch->multi = curl_multi_init();
        if (!fetch->multi)
                abort();
        curl_multi_setopt(fetch->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)settings->parallel);
        _cleanup_free_ char *host = url_host(settings->base_url);
        add_header(fetch, xasprintf("X-RapidAPI-Host: %s", host));
        if (settings->api_key)
                add_header(fetch, xasprintf("X-RapidAPI-Key: %s", settings->api_key));
        for (int i = 0; i < settings->parallel; i++)
                transfer_init(fetch, &fetch->transfers[i]);
        return fetch;
}

struct fetch *fetch_free(struct fetch *fetch) {
        if (!fetch)
                return NULL;
        for (int i = 0; i < PARALLEL_MAX; i++) {
                if (!fetch->transfers[i].easy)
                        continue;
                if (fetch->transfers[i].busy)
                        curl_multi_remove_handle(fetch->multi, fetch->transfers[i].easy);
                curl_easy_cleanup(fetch->transfers[i].easy);
                buf_done(&fetch->transfers[i].text);
        }
        curl_multi_cleanup(fetch->multi);
        curl_slist_free_all(fetch->headers);
        free(fetch);
        return NULL;
}

void fetch_watch(struct fetch *fetch, int descriptor, int (*fn)(void *userdata), void *userdata) {
        fetch->watched = (struct curl_waitfd){.fd = descriptor, .events = CURL_WAIT_POLLIN};
        fetch->watch = fn;
        fetch->watch_userdata = userdata;
}

uint64_t fetch_calls(const struct fetch *fetch) {
        return fetch->calls;
}

const struct quota *fetch_quota(const struct fetch *fetch) {
        return &fetch->quota;
}

/* The next request whose time has come, or -1; *ret_wake gets the earliest time at which one will be due. */
static ssize_t next_due(struct fetch *fetch, const bool *under_way, usec_t now, usec_t *ret_wake) {
        for (size_t i = 0; i < fetch->count; i++) {
                const struct request *request = &fetch->requests[i];
                if (request->done || under_way[i])
                        continue;
                usec_t due = MAX(request->not_before, fetch->next_start);
                if (due <= now)
                        return (ssize_t)i;
                *ret_wake = MIN(*ret_wake, due);
        }
        return -1;
}

static void start_transfer(struct fetch *fetch, struct transfer *transfer, size_t index, usec_t now) {
        struct request *request = &fetch->requests[index];
        _cleanup_free_ char *url = xasprintf("%s/%s", fetch->settings->base_url, request->path);
        request->tries++;
        transfer->index = index;
        transfer->busy = true;
        transfer->error[0] = '\0';
        buf_clear(&transfer->text);
        fetch->next_start = MAX(fetch->next_start, now + fetch->settings->delay);
        curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
        if (curl_multi_add_handle(fetch->multi, transfer->easy) != CURLM_OK)
                abort();
}

/* Starts what may start. Returns how long to wait for the rest, in milliseconds. */
static int start_due(struct fetch *fetch, bool *under_way) {
        usec_t now = now_boottime(), wake = now + POLL_MAX_MSEC * USEC_PER_MSEC;
        for (int i = 0; i < fetch->settings->parallel; i++) {
                if (fetch->transfers[i].busy)
                        continue;
                ssize_t index = next_due(fetch, under_way, now, &wake);
                if (index < 0)
                        break;
                under_way[index] = true;
                start_transfer(fetch, &fetch->transfers[i], (size_t)index, now);
        }
        return (int)((wake - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

/* Decides whether the request is asked again; if so, when. A 429 holds back every request, any other failure its own.
 */
static bool plan_repeat(struct fetch *fetch, struct request *request, struct transfer *transfer, long status) {
        if (request->tries >= fetch->settings->tries)
                return false;
        usec_t wait = fetch->settings->retry_delay << MIN(request->tries - 1, 10);
        curl_off_t retry_after = 0;
        curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
        if (retry_after > 0)
                wait = (usec_t)retry_after * USEC_PER_SEC;
        if (wait > RETRY_AFTER_MAX)
                return false;
        usec_t now = now_boottime();
        request->not_before = now + wait;
        if (status == 429)
                fetch->next_start = MAX(fetch->next_start, now + wait);
        char span[TIMESPAN_SIZE];
        log_info("%s: asked again in %s", request->path, format_timespan(span, wait));
        return true;
}

/* Gives the answer to everybody who still waits: it would be the same for each of them. */
static int finish_rest(struct fetch *fetch, const struct answer *answer) {
        for (size_t i = 0; i < fetch->count; i++) {
                if (fetch->requests[i].done)
                        continue;
                fetch->requests[i].done = true;
                fetch->left--;
                int r = fetch->done(fetch->userdata, i, answer);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int finish_transfer(struct fetch *fetch, struct transfer *transfer, CURLcode result, bool *under_way) {
        struct request *request = &fetch->requests[transfer->index];
        long status = 0, sent = 0;
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
        if (sent > 0) {
                fetch->calls++;
                report_metric("api_calls_made", 1);
        }
        transfer->busy = false;
        fetch->slot_free = true;
        under_way[transfer->index] = false;
        struct answer_input input = {
                .transfer = result,
                .transfer_error = transfer->error,
                .http_status = status,
                .text = buf_reserve(&transfer->text, 0),
                .length = transfer->text.len,
        };
        if (input.text)
                input.text -= input.length;
        _cleanup_(answer_done) struct answer answer;
        answer_read(&input, &answer);
        if (answer.explanation && answer.kind != ANSWER_NOTHING)
                log_info("%s: %s (try %d of %d)", request->path, answer.explanation, request->tries,
                         fetch->settings->tries);
        if (answer.kind == ANSWER_REPEAT) {
                if (plan_repeat(fetch, request, transfer, status))
                        return 0;
                answer.kind = ANSWER_LATER;
                if (request->tries < fetch->settings->tries && status == 429)
                        return finish_rest(fetch, &answer);
        } else if (answer.kind == ANSWER_LATER || answer.kind == ANSWER_REFUSED) {
                return finish_rest(fetch, &answer);
        }
        request->done = true;
        fetch->left--;
        return fetch->done(fetch->userdata, transfer->index, &answer);
}

static int take_finished(struct fetch *fetch, bool *under_way) {
        int pending;
        for (CURLMsg *message; (message = curl_multi_info_read(fetch->multi, &pending));) {
                if (message->msg != CURLMSG_DONE)
                        continue;
                CURLcode result = message->data.result;
                CURL *easy = message->easy_handle;
                char *private = NULL;
                curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
                curl_multi_remove_handle(fetch->multi, easy);
                int r = finish_transfer(fetch, (struct transfer *)(void *)private, result, under_way);
                if (r < 0 || fetch->left == 0)
                        return r;
        }
        return 0;
}

/* Takes back what still runs when the list ends early; those requests did reach the network and count. */
static void abandon_transfers(struct fetch *fetch) {
        for (int i = 0; i < fetch->settings->parallel; i++) {
                struct transfer *transfer = &fetch->transfers[i];
                if (!transfer->busy)
                        continue;
                long sent = 0;
                curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
                if (sent > 0) {
                        fetch->calls++;
                        report_metric("api_calls_made", 1);
                }
                curl_multi_remove_handle(fetch->multi, transfer->easy);
                transfer->busy = false;
        }
}

int fetch_all(struct fetch *fetch, const char *const *paths, size_t count, fetch_done_fn done, void *userdata) {
        _cleanup_free_ struct request *requests = xcalloc(count + 1, sizeof(*requests));
        _cleanup_free_ bool *under_way = xcalloc(count + 1, sizeof(*under_way));
        for (size_t i = 0; i < count; i++)
                requests[i].path = paths[i];
        fetch->requests = requests;
        fetch->count = fetch->left = count;
        fetch->done = done;
        fetch->userdata = userdata;
        int r = 0;
        while (r == 0 && fetch->left > 0) {
                int running, wait = start_due(fetch, under_way);
                fetch->slot_free = false;
                report_heartbeat();
                if (curl_multi_perform(fetch->multi, &running) != CURLM_OK)
                        abort();
                r = take_finished(fetch, under_way);
                if (r == 0 && fetch->watch)
                        r = fetch->watch(fetch->watch_userdata);
                if (r == 0 && fetch->left > 0 && !fetch->slot_free)
                        curl_multi_poll(fetch->multi, &fetch->watched, fetch->watch ? 1 : 0, wait, NULL);
        }
        abandon_transfers(fetch);
        fetch->requests = NULL;
        return r;
}
