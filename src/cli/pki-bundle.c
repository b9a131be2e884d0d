#include "cli/pki-bundle.h"

#include <string.h>

#include "base/error.h"

#define BEGIN      "-----BEGIN "
#define BLOCKS_MAX 6

void
ferry_bundle_clear(FerryBundle *self)
{
    ferry_credentials_clear(&self->host);
    ferry_credentials_clear(&self->memory);
}

char *
ferry_bundle_format(const FerryBundle *self)
{
    /* A NULL ends the list: without memory it is three blocks. */
    return g_strconcat(self->host.ca, self->host.cert, self->host.key, self->memory.ca,
                       self->memory.cert, self->memory.key, NULL);
}

/* @text from each "-----BEGIN " to the next; false when there are more than a bundle has. */
static bool
split(const char *text, char *blocks[BLOCKS_MAX], size_t *ret_n)
{
    size_t n = 0;

    for (const char *at = strstr(text, BEGIN); at;) {
        const char *next = strstr(at + strlen(BEGIN), BEGIN);
        if (n == BLOCKS_MAX)
            return false;
        blocks[n++] = next ? g_strndup(at, (size_t)(next - at)) : g_strdup(at);
        at = next;
    }
    *ret_n = n;
    return true;
}

static bool
check_role(const FerryBundle *bundle, GError **error)
{
    g_autoptr(FerryCertificateFacts) host = NULL;
    g_autoptr(FerryCertificateFacts) memory = NULL;

    if (!ferry_certificate_read(bundle->host.cert, &host, error))
        return false;
    if (bundle->memory.cert == NULL)
        return true;
    if (!ferry_certificate_read(bundle->memory.cert, &memory, error))
        return false;
    if (g_strcmp0(memory->name, host->name) == 0 &&
        g_strcmp0(memory->unit, FERRY_BUNDLE_MEMORY_UNIT) == 0)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "its second certificate is not that of %s for guest memory", host->name);
    return false;
}

bool
ferry_bundle_parse(const char *text, FerryBundle *ret, GError **error)
{
    g_auto(FerryBundle) bundle = { 0 };
    char *blocks[BLOCKS_MAX] = { NULL };
    size_t n = 0;
    bool whole = split(text, blocks, &n) && (n == 3 || n == BLOCKS_MAX);

    bundle.host = (FerryCredentials){ blocks[0], blocks[1], blocks[2] };
    bundle.memory = (FerryCredentials){ blocks[3], blocks[4], blocks[5] };
    if (!whole) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "expected the 3 or 6 PEM blocks that \"ferry pki issue\" writes");
        return false;
    }
    if (!ferry_credentials_check(&bundle.host, error) ||
        (bundle.memory.cert && !ferry_credentials_check(&bundle.memory, error)) ||
        !check_role(&bundle, error))
        return false;
    *ret = bundle;
    bundle = (FerryBundle){ 0 };
    return true;
}
