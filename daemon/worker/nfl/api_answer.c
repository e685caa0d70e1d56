#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api_answer.h"
#include "strutil.h"
#include "utf8.h"
#include "xalloc.h"

#define EXCERPT 120

static void set(struct answer *answer, enum answer_kind kind, char *explanation) {
        answer->kind = kind;
        free(answer->explanation);
        answer->explanation = explanation;
}

/* Texts of the gateway that say that the plan's calls are used up: nothing changes within a run. */
static bool is_quota_text(const char *text) {
        return text && strcasestr(text, "quota");
}

static bool is_rate_text(const char *text) {
        return text && (strcasestr(text, "too many requests") || strcasestr(text, "rate limit"));
}

static bool is_rights_text(const char *text) {
        return text && (strcasestr(text, "not subscribed") || strcasestr(text, "invalid api key"));
}

/* What the answer says about itself: `error`, `message`, else the start of the text. New string. */
static char *excerpt(const struct answer_input *input, const struct json_doc *doc) {
        const struct json_node *root = doc->count ? doc->nodes : NULL;
        const char *text = json_member_text(root, "error");
        if (!text)
                text = json_member_text(root, "message");
        if (text)
                return utf8_escape(text, strlen(text), EXCERPT);
        if (root || input->length == 0)
                return xstrdup(input->length ? "no explanation" : "empty answer");
        char *start = utf8_escape(input->text, input->length < EXCERPT ? input->length : EXCERPT, EXCERPT);
        for (char *c = start; *c; c++)
                if (iscntrl((unsigned char)*c))
                        *c = ' ';
        return start;
}

static void read_refusal(const struct answer_input *input, struct answer *answer) {
        _cleanup_free_ char *said = excerpt(input, &answer->doc);
        long status = input->http_status;
        enum answer_kind kind = ANSWER_UNUSABLE;
        if (is_quota_text(said))
                kind = ANSWER_LATER;
        else if (status == 429 || status == 408 || status >= 500)
                kind = ANSWER_REPEAT;
        else if (status == 401 || status == 403 || status == 404)
                kind = ANSWER_REFUSED;
        if (kind == ANSWER_LATER)
                set(answer, kind, xasprintf("the API's quota is used up (HTTP %ld: %s)", status, said));
        else if (status == 404)
                set(answer, kind, xasprintf("no such address (HTTP 404: %s); check TANK01_BASE_URL", said));
        else if (kind == ANSWER_REFUSED)
                set(answer, kind,
                    xasprintf("the API refuses the key or the subscription (HTTP %ld: %s)", status, said));
        else
                set(answer, kind, xasprintf("HTTP %ld: %s", status, said));
}

/* HTTP 200 without data: `error`, then `message`, then an empty or absent body. */
static void read_envelope(struct answer *answer) {
        const struct json_node *root = answer->doc.nodes;
        const struct json_node *body = json_member(root, "body");
        const char *error = json_member_text(root, "error");
        const char *message = json_member_text(root, "message");
        const char *said = error ? error : message;
        if (!json_is_nothing(body) && !error) {
                answer->kind = ANSWER_DATA;
                answer->body = body;
        } else if (is_quota_text(said)) {
                set(answer, ANSWER_LATER, xasprintf("the API's quota is used up (%s)", said));
        } else if (is_rate_text(said)) {
                set(answer, ANSWER_REPEAT, xstrdup(said));
        } else if (is_rights_text(said)) {
                set(answer, ANSWER_REFUSED, xasprintf("the API refuses the key or the subscription (%s)", said));
        } else if (!json_is(root, JSON_OBJECT)) {
                set(answer, ANSWER_UNUSABLE,
                    xasprintf("the answer is %s, an object with `body` is expected", json_type_name(root)));
        } else {
                set(answer, ANSWER_NOTHING,
                    utf8_escape(said ? said : "empty body", strlen(said ? said : "empty body"), EXCERPT));
        }
}

void answer_read(const struct answer_input *input, struct answer *ret) {
        *ret = (struct answer){0};
        if (input->transfer != CURLE_OK) {
                const char *text = *input->transfer_error ? input->transfer_error : curl_easy_strerror(input->transfer);
                bool wrong_address =
                        input->transfer == CURLE_URL_MALFORMAT || input->transfer == CURLE_UNSUPPORTED_PROTOCOL;
                bool too_large = input->transfer == CURLE_WRITE_ERROR || input->transfer == CURLE_FILESIZE_EXCEEDED;
                set(ret,
                    wrong_address ? ANSWER_REFUSED
                    : too_large   ? ANSWER_UNUSABLE
                                  : ANSWER_REPEAT,
                    xstrdup(too_large ? "the answer is larger than any that the API sends" : text));
                return;
        }
        _cleanup_free_ char *error = NULL;
        int r = json_parse(input->text, input->length, &ret->doc, &error);
        if (input->http_status != 200)
                read_refusal(input, ret);
        else if (r < 0)
                /* A gateway's page or half an answer: the API itself always sends JSON. */
                set(ret, ANSWER_REPEAT, xasprintf("the answer is no JSON (%s)", error));
        else
                read_envelope(ret);
}

void answer_done(struct answer *answer) {
        json_done(&answer->doc);
        free(answer->explanation);
        *answer = (struct answer){0};
}
