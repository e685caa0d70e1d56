/* What all sessions of a control server share. */
#pragma once

#include "admission.h"
#include "engine.h"
#include "loop.h"

/* Read at once from a socket. */
#define CONTEXT_SCRATCH_SIZE ((size_t)64 * 1024)
/* Unsent bytes of all sessions together; answers beyond it are refused. */
#define CONTEXT_UNSENT_MAX ((size_t)64 * 1024 * 1024)

struct control_context {
        struct loop *loop;
        struct engine *engine;
        struct rights_policy rights; /* owns its strings and arrays by the server */
        struct rate_limit *limit;    /* of actions */
        struct rate_limit *refusals; /* of refusals that are recorded: a flood of them must not fill the audit */
        char *version;
        char *host;
        size_t unsent;
        char scratch[CONTEXT_SCRATCH_SIZE + 1]; /* where a read lands; valid until the session's handler returns */
};
