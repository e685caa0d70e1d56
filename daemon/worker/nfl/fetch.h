/* Fetches many URLs of the API at once: bounded parallelism over kept connections, a least distance between requests,
 * and repetitions with backoff that honour 429 and Retry-After. Answers come back one by one, in the order in which
 * they arrive. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "api_answer.h"
#include "quota.h"
#include "worker_settings.h"

/* Answers up to this size are taken (the player list is 5.5 MB). */
#define ANSWER_MAX ((size_t)16 << 20)

struct fetch;

/* index: of the URL in fetch_all's list. The answer belongs to the fetch and is freed after the call. 0 goes on; a
 * negative value ends the fetch, which then returns it. Its kind is never ANSWER_REPEAT: what stayed so in every try is
 * ANSWER_LATER. */
typedef int (*fetch_done_fn)(void *userdata, size_t index, const struct answer *answer);

/* settings must outlive the fetch. */
struct fetch *fetch_new(const struct settings *settings);
struct fetch *fetch_free(struct fetch *fetch);
DEFINE_CLEANUP(struct fetch, fetch_free);
#define _cleanup_fetch_ _cleanup_(fetch_freep)

/* paths: "getNFLBoxScore?gameID=..." below the base URL, borrowed. 0, or what done returned; after an answer that
 * refuses everybody (quota, key) the rest is not asked: those get the same answer. */
int fetch_all(struct fetch *fetch, const char *const *paths, size_t count, fetch_done_fn done, void *userdata);
/* While requests are under way, fn is called again and again, and whenever `descriptor` has something to read; a
 * negative value of it ends the fetch like one of done. */
void fetch_watch(struct fetch *fetch, int descriptor, int (*fn)(void *userdata), void *userdata);
/* Requests that reached the network since fetch_new, repetitions included. */
uint64_t fetch_calls(const struct fetch *fetch);
/* What the API last said of the plan's calls. */
const struct quota *fetch_quota(const struct fetch *fetch);
