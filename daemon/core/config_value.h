/* How values are read: one function a kind of value. All are config_parse_fn; the type of their target is said at each.
 */
#pragma once

#include "config_key.h"

/* Elements of one list, arguments of one command, words of an environment: more is a mistake. */
#define CONFIG_LIST_MAX 1000

/* char *: the text as it is. */
void config_parse_text(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* char *: an absolute path. */
void config_parse_path(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* char **: absolute paths, appended; each may be optional ('-' before it). */
void config_parse_optional_paths(const struct config_context *context, const char *value, void *target,
                                 const void *otherwise);
/* char **: words, quoted and escaped, appended. */
void config_parse_words(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* char **: absolute paths, appended. */
void config_parse_paths(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* char **: NAME=value words, appended; a later one of the same name replaces the earlier. */
void config_parse_environment(const struct config_context *context, const char *value, void *target,
                              const void *otherwise);
/* bool */
void config_parse_bool(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* unsigned, int, int64_t within the key's minimum and maximum. */
void config_parse_unsigned(const struct config_context *context, const char *value, void *target,
                           const void *otherwise);
void config_parse_int(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* double from minimum to maximum. */
void config_parse_factor(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* unsigned: "150%". */
void config_parse_percent(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* double from 0 to 1: "90%", "82.5%". */
void config_parse_share(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* struct band_rule: "no", "warn" or "fail", then width=, window= and least= as wanted. */
void config_parse_band(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* usec_t: a finite span, 0 allowed. */
void config_parse_span(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* usec_t: a span over 0, or "infinity". */
void config_parse_limit_span(const struct config_context *context, const char *value, void *target,
                             const void *otherwise);
/* uint64_t: bytes over 0, with K, M, G, T; "infinity" is UINT64_MAX. */
void config_parse_bytes(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* uint64_t: a count over 0, or "infinity". */
void config_parse_count(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* struct keep: "age=SPAN runs=COUNT size=BYTES", those that are named. */
void config_parse_keep(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* An enum: the index of the word among the key's words. */
void config_parse_enum(const struct config_context *context, const char *value, void *target, const void *otherwise);
/* struct exit_status_set: numbers and names, added. */
void config_parse_exit_statuses(const struct config_context *context, const char *value, void *target,
                                const void *otherwise);
/* char **: argv of one command; replaces. */
void config_parse_command(const struct config_context *context, const char *value, void *target, const void *otherwise);

/* struct limit_uses: words NAME or NAME:SLOTS, appended. */
void config_parse_limits(const struct config_context *context, const char *value, void *target, const void *otherwise);

/* Tells an error as "Key=: text" (for "Key=value ..." write the value into the text). */
void config_complain(const struct config_context *context, const char *format, ...) PRINTF_LIKE(2, 3);
/* Splits value into words into *words, appended. False when it cannot be split or has too many, which has been told;
 * words is then as before. */
bool config_split(const struct config_context *context, const char *value, char ***words);
/* A letter or underscore, then those and digits: names of variables and of parameters, which become variables. */
bool config_variable_name_is_valid(const char *name, size_t len);
/* An integer within the key's minimum and maximum. False when it does not fit, which has been told. */
bool config_read_integer(const struct config_context *context, const char *value, int64_t *ret);
