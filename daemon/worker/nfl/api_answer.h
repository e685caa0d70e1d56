/* What an answer of the API means: HTTP status, envelope and texts together, since HTTP 200 does not mean data. */
#pragma once

#include <curl/curl.h>
#include <stdint.h>

#include "json.h"

enum answer_kind {
        ANSWER_DATA,     /* `body` is there */
        ANSWER_NOTHING,  /* the API knows of nothing: an empty or absent body, often with an error text */
        ANSWER_REPEAT,   /* broken or refused for the moment: the same request may work in a while */
        ANSWER_LATER,    /* refused for longer (quota): a repeat now is a waste */
        ANSWER_REFUSED,  /* key, subscription or address: a person must change something */
        ANSWER_UNUSABLE, /* it does not look like the API at all */
};

struct answer {
        enum answer_kind kind;
        char *explanation; /* what came, for people; NULL for ANSWER_DATA */
        struct json_doc doc;
        const struct json_node *body; /* within doc; NULL unless ANSWER_DATA */
};

/* What came over the wire. text is changed and must outlive the answer. */
struct answer_input {
        CURLcode transfer;
        const char *transfer_error; /* curl's text, "" when there is none */
        long http_status;
        char *text;
        size_t length;
};

void answer_read(const struct answer_input *input, struct answer *ret);
void answer_done(struct answer *answer);
