#pragma once

#include <stdint.h>

#include "client/identity.h"

/** A certificate authority of a test's own, in a folder of its own that goes with it. */
typedef struct _TestAuthority TestAuthority;

TestAuthority *test_authority_new(void);
void test_authority_free(TestAuthority *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestAuthority, test_authority_free)

/** What a certificate is to say. */
typedef struct {
    const char *name;     /* DNS name in the SAN; NULL: none */
    size_t name_length;   /* 0: that of the string */
    const char *units[2]; /* OU; NULL: none */
    int64_t from_s, to_s; /* relative to now; both 0: from an hour ago to an hour on */
    const char *purpose;  /* the one extended key usage; NULL: none, so any */
} TestCertificate;

/** Writes LABEL.crt and LABEL.key beside the authority's ca.crt. */
void test_authority_issue(TestAuthority *self, const char *label, const TestCertificate *what);

/** Returns: (transfer full): the path of one of the files: "ca.crt", "alpha.key" */
char *test_authority_path(const TestAuthority *self, const char *file);

/** Issues a certificate and loads it.  Returns: (transfer full) */
FerryIdentity *test_authority_identity(TestAuthority *self, const char *name, const char *role);
