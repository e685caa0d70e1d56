/* The limit of an ingest: a bare curl-multi loop over the URLs of a file, six at a time, and one COPY of the rows of a
 * file. Prints the seconds. Called by bench_ingest.py: bench_ingest CONNINFO URLS ROWS. */
#include <curl/curl.h>
#include <libpq-fe.h>
#include <string.h>

#include "bench.h"

#define PARALLEL 6
#define URLS_MAX 2000

static void die(const char *what, const char *why) {
        (void)fprintf(stderr, "%s: %s\n", what, why ? why : "failed");
        exit(1);
}

static size_t on_data(char *data, size_t size, size_t count, void *user) {
        *(size_t *)user += size * count;
        return size * count;
}

static void start(CURLM *multi, CURL *easy, const char *url) {
        curl_easy_setopt(easy, CURLOPT_URL, url);
        if (curl_multi_add_handle(multi, easy) != CURLM_OK)
                die("curl", NULL);
}

static size_t fetch(char (*urls)[256], size_t n) {
        CURLM *multi = curl_multi_init();
        CURL *easy[PARALLEL];
        size_t next = 0, done = 0, bytes = 0;
        for (size_t i = 0; i < PARALLEL; i++) {
                easy[i] = curl_easy_init();
                curl_easy_setopt(easy[i], CURLOPT_WRITEFUNCTION, on_data);
                curl_easy_setopt(easy[i], CURLOPT_WRITEDATA, &bytes);
                if (next < n)
                        start(multi, easy[i], urls[next++]);
        }
        while (done < n) {
                int running, pending;
                curl_multi_perform(multi, &running);
                for (CURLMsg *message; (message = curl_multi_info_read(multi, &pending));) {
                        CURL *handle = message->easy_handle;
                        if (message->data.result != CURLE_OK)
                                die("curl", curl_easy_strerror(message->data.result));
                        curl_multi_remove_handle(multi, handle);
                        done++;
                        if (next < n)
                                start(multi, handle, urls[next++]);
                }
                if (done < n)
                        curl_multi_poll(multi, NULL, 0, 1000, NULL);
        }
        for (size_t i = 0; i < PARALLEL; i++)
                curl_easy_cleanup(easy[i]);
        curl_multi_cleanup(multi);
        return bytes;
}

static void copy(PGconn *connection, FILE *rows) {
        static char chunk[256 * 1024];
        PGresult *result = PQexec(connection, "COPY bare_logs FROM STDIN");
        if (PQresultStatus(result) != PGRES_COPY_IN)
                die("COPY", PQerrorMessage(connection));
        PQclear(result);
        for (size_t n; (n = fread(chunk, 1, sizeof(chunk), rows)) > 0;)
                if (PQputCopyData(connection, chunk, (int)n) < 0)
                        die("COPY", PQerrorMessage(connection));
        if (PQputCopyEnd(connection, NULL) < 0)
                die("COPY", PQerrorMessage(connection));
        while ((result = PQgetResult(connection))) {
                if (PQresultStatus(result) != PGRES_COMMAND_OK)
                        die("COPY", PQerrorMessage(connection));
                PQclear(result);
        }
}

int main(int argc, char **argv) {
        static char urls[URLS_MAX][256];
        size_t n = 0;
        if (argc != 4)
                die("usage", "bench_ingest CONNINFO URLS ROWS (see bench_ingest.py)");
        double began = bench_now(CLOCK_MONOTONIC);
        FILE *list = fopen(argv[2], "re"), *rows = fopen(argv[3], "re");
        if (!list || !rows || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                die("open", NULL);
        while (n < URLS_MAX && fgets(urls[n], sizeof(urls[n]), list))
                urls[n][strcspn(urls[n], "\n")] = '\0', n++;
        size_t bytes = fetch(urls, n);
        PGconn *connection = PQconnectdb(argv[1]);
        if (PQstatus(connection) != CONNECTION_OK)
                die("connect", PQerrorMessage(connection));
        copy(connection, rows);
        PQfinish(connection);
        (void)printf("%.6f %zu\n", bench_now(CLOCK_MONOTONIC) - began, bytes);
        (void)fclose(list);
        (void)fclose(rows);
        return 0;
}
