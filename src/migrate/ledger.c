#include "migrate/ledger.h"

#include "pool/size.h"

struct _FerryLedger {
    GHashTable *taken; /* PF, or UUID of a device made beforehand → number */
    GHashTable *units; /* parent → double *: what types took of it */
};

FerryLedger *
ferry_ledger_new(void)
{
    FerryLedger *self = g_new0(FerryLedger, 1);

    self->taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->units = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return self;
}

void
ferry_ledger_free(FerryLedger *self)
{
    if (self == NULL)
        return;
    g_hash_table_unref(self->taken);
    g_hash_table_unref(self->units);
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
units_of(const FerryLedger *self, const FerrySlotKind *kind)
{
    const double *units = g_hash_table_lookup(self->units, kind->member);

    return units != NULL ? *units : 0;
}

uint32_t
ferry_ledger_left(const FerryLedger *self, const FerrySlotKind *kind)
{
    if (kind->type != NULL)
        return ferry_sizes_fit(kind->units - units_of(self, kind), kind->size);
    return kind->available - MIN(taken_of(self, kind), kind->available);
}

void
ferry_ledger_take(FerryLedger *self, const FerrySlotKind *kind)
{
    double *units = NULL;

    if (kind->type == NULL) {
        g_hash_table_insert(self->taken, g_strdup(key_of(kind)),
                            GUINT_TO_POINTER(taken_of(self, kind) + 1));
        return;
    }
    units = g_new(double, 1);
    *units = units_of(self, kind) + kind->size;
    g_hash_table_insert(self->units, g_strdup(kind->member), units);
}
