#include "migrate/life.h"

bool
ferry_life_is_up(const FerryDomainLook *look)
{
    /* 4 is "shutting down", 5 "off", 6 "crashed": of these only the first has a QEMU. */
    return look->present && look->state >= 1 && look->state != 5 && look->state != 6;
}
