#pragma once

#include <stddef.h>
#include <stdint.h>

/** What libvirt tells a hook. */
typedef struct {
    const char *guest;     /* its name */
    const char *operation; /* "prepare", "release" */
    const char *reason;    /* why it was released; "-" when there is none */
    const char *xml;       /* the domain */
} HookQuestion;

/** How the question fared. */
typedef enum {
    HOOK_ASK_YES,
    HOOK_ASK_NO,     /* ferryd's reason is in @ret_why */
    HOOK_ASK_AWAY,   /* nobody listens at the socket */
    HOOK_ASK_FAILED, /* it hung, hung up, or said what we do not understand */
} HookAsk;

/**
 * Asks ferryd: POST /v1/hook over its Unix socket.
 *
 * @limit_ms: for all of it
 * @ret_why: (out): why not, in printable text
 */
HookAsk hook_ask(const char *socket_path,
                 const HookQuestion *question,
                 int64_t limit_ms,
                 char *ret_why,
                 size_t n_bytes);
