#include "pool/size.h"

#define DIVISION_ERROR 1e-6

uint32_t
ferry_sizes_fit(double units, double size)
{
    return size > 0 && units > 0 ? (uint32_t)(units / size + DIVISION_ERROR) : 0;
}

static double
size_of(uint32_t units, uint32_t available)
{
    uint32_t whole = 0;

    if (available == 0)
        return 0;
    whole = units / available;
    return units / whole == available ? whole : (double)units / available;
}

double
ferry_sizes_measure(GPtrArray *types)
{
    uint32_t units = 0;

    for (guint i = 0; i < types->len; i++)
        units = MAX(units, ((const FerrySlotType *)g_ptr_array_index(types, i))->available);
    for (guint i = 0; i < types->len; i++) {
        FerrySlotType *type = g_ptr_array_index(types, i);

        type->size = size_of(units, type->available);
    }
    return units;
}
