#include "migrate/peer-words.h"

#include <string.h>

const char *
ferry_ask_name(FerryAsk ask)
{
    static const char *const names[] = {
        [FERRY_ASK_RESERVE] = "reserve", [FERRY_ASK_PREPARE] = "prepare",
        [FERRY_ASK_STATUS] = "status",   [FERRY_ASK_GO] = "go",
        [FERRY_ASK_ABORT] = "abort",     [FERRY_ASK_DONE] = "done",
    };
    G_STATIC_ASSERT(G_N_ELEMENTS(names) == FERRY_N_ASKS);

    g_assert(ask < FERRY_N_ASKS);
    return names[ask];
}

FerrySaid
ferry_said_of_record(FerryRecordKind kind)
{
    switch (kind) {
    case FERRY_RECORD_PLANNED:
    case FERRY_RECORD_DETACH:
    case FERRY_RECORD_TRANSFER:
        return FERRY_SAID_EARLY;
    case FERRY_RECORD_HANDOFF:
        return FERRY_SAID_HANDOFF;
    case FERRY_RECORD_COMMITTED:
        return FERRY_SAID_COMMITTED;
    case FERRY_RECORD_ABORTED:
        return FERRY_SAID_ABORTED;
    case FERRY_RECORD_RESOLVED:
        return FERRY_SAID_RESOLVED;
    default: /* DONE says how it ended in words of its own; the rest are the target's */
        return FERRY_SAID_UNKNOWN;
    }
}

json_t *
ferry_answer_format(const FerryAnswer *answer, uint64_t change)
{
    json_t *json = answer->details != NULL ? json_copy(answer->details) : json_object();

    json_object_set_new(json, "record", json_string(ferry_target_answer_name(answer->record)));
    json_object_set_new(json, "domain", json_string(ferry_target_domain_name(answer->domain)));
    json_object_set_new(json, "change", json_integer((json_int_t)change));
    return json;
}

void
ferry_answer_parse(json_t *json, FerryAnswer *ret)
{
    const char *record = json_string_value(json_object_get(json, "record"));
    const char *domain = json_string_value(json_object_get(json, "domain"));

    *ret = (FerryAnswer){ .record = FERRY_T_UNKNOWN,
                          .domain = FERRY_TD_UNKNOWN,
                          .details = json_incref(json) };
    for (unsigned i = 0; i < FERRY_T_N_ANSWERS; i++)
        if (g_strcmp0(record, ferry_target_answer_name((FerryTargetAnswer)i)) == 0)
            ret->record = (FerryTargetAnswer)i;
    for (unsigned i = 0; i < FERRY_TD_N_DOMAINS; i++)
        if (g_strcmp0(domain, ferry_target_domain_name((FerryTargetDomain)i)) == 0)
            ret->domain = (FerryTargetDomain)i;
}
