#include "migrate/life.h"

bool
ferry_life_is_up(const FerryDomainLook *look)
{
    /* 4 is "shutting down", 5 "off", 6 "crashed": of these only the first has a QEMU. */
    return look->present && look->state >= 1 && look->state != 5 && look->state != 6;
}

void
ferry_life_add_reason(json_t **reasons, const char *code, const char *message, const char *remedy)
{
    if (*reasons == NULL)
        *reasons = json_array();
    json_array_append_new(*reasons, json_pack("{s:s, s:s, s:s*}", "code", code, "message", message,
                                              "remedy", remedy));
}
