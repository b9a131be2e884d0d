#include "migrate/ledger.h"

struct _FerryLedger {
    GHashTable *taken;  /* PF, or UUID of a device made beforehand → number */
    GHashTable *shares; /* parent → double *: what is left of 1 */
};

FerryLedger *
ferry_ledger_new(void)
{
    FerryLedger *self = g_new0(FerryLedger, 1);

    self->taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->shares = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return self;
}

void
ferry_ledger_free(FerryLedger *self)
{
    if (self == NULL)
        return;
    g_hash_table_unref(self->taken);
    g_hash_table_unref(self->shares);
    g_free(self);
}

static const char *
key_of(const FerrySlotKind *kind)
{
    return kind->device != NULL ? kind->device : kind->member;
}

static uint32_t
taken_of(const FerryLedger *self, const FerrySlotKind *kind)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(self->taken, key_of(kind)));
}

static double
share_of(const FerryLedger *self, const FerrySlotKind *kind)
{
    const double *share = g_hash_table_lookup(self->shares, kind->member);

    return share != NULL ? *share : 1.0;
}

uint32_t
ferry_ledger_left(const FerryLedger *self, const FerrySlotKind *kind)
{
    uint32_t taken = taken_of(self, kind);

    if (kind->type != NULL) /* the tiny share is for the division's error */
        return (uint32_t)((double)kind->available * share_of(self, kind) + 1e-6);
    return kind->available - MIN(taken, kind->available);
}

void
ferry_ledger_take(FerryLedger *self, const FerrySlotKind *kind)
{
    double *share = NULL;

    if (kind->type == NULL) {
        g_hash_table_insert(self->taken, g_strdup(key_of(kind)),
                            GUINT_TO_POINTER(taken_of(self, kind) + 1));
        return;
    }
    share = g_new(double, 1);
    *share = MAX(share_of(self, kind) - 1.0 / (double)kind->available, 0.0);
    g_hash_table_insert(self->shares, g_strdup(kind->member), share);
}
