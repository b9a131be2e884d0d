#pragma once

#include "cli/pki-bundle.h"

/** Two authorities, of hosts and of guest memory, as "ferry pki init" makes them. */
typedef struct {
    FerryCredentials hosts, memory;
} PkiFixture;

static inline void
pki_fixture_clear(PkiFixture *self)
{
    ferry_credentials_clear(&self->hosts);
    ferry_credentials_clear(&self->memory);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PkiFixture, pki_fixture_clear)

static inline int64_t
pki_now_s(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

static inline void
pki_fixture_make(PkiFixture *ret)
{
    g_assert_true(ferry_certificate_new_authority("hosts", pki_now_s(), &ret->hosts, NULL));
    g_assert_true(ferry_certificate_new_authority("memory", pki_now_s(), &ret->memory, NULL));
}

/** What "ferry pki issue NAME --role ROLE" puts together. */
static inline void
pki_fixture_issue(const PkiFixture *self, const char *name, const char *role, FerryBundle *ret)
{
    FerryCertificateRequest request = { .name = name, .unit = role, .days = 1 };

    g_assert_true(ferry_certificate_issue(&self->hosts, &request, pki_now_s(), &ret->host, NULL));
    if (g_strcmp0(role, "peer") != 0)
        return;
    request.unit = FERRY_BUNDLE_MEMORY_UNIT;
    g_assert_true(
        ferry_certificate_issue(&self->memory, &request, pki_now_s(), &ret->memory, NULL));
}
