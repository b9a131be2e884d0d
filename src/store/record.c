#include "store/record.h"

#include "base/crash.h"

#define N_SIDES (FERRY_SIDE_TARGET + 1)

typedef struct {
    const char *name;
    struct {
        bool writes;
        FerryCrashPoint before, after;
    } side[N_SIDES];
} KindRow;

#define S(kind)                                                                                    \
    {                                                                                              \
        true, FERRY_CRASH_S_##kind##_BEFORE, FERRY_CRASH_S_##kind##_AFTER                          \
    }
#define T(kind)                                                                                    \
    {                                                                                              \
        true, FERRY_CRASH_T_##kind##_BEFORE, FERRY_CRASH_T_##kind##_AFTER                          \
    }
#define NOT                                                                                        \
    {                                                                                              \
        false, FERRY_CRASH_N_POINTS, FERRY_CRASH_N_POINTS                                          \
    }

/* clang-format off */
static const KindRow kinds[] = {
    [FERRY_RECORD_NONE]      = { "none",      { NOT,          NOT } },
    [FERRY_RECORD_PLANNED]   = { "PLANNED",   { S(PLANNED),   NOT } },
    [FERRY_RECORD_DETACH]    = { "DETACH",    { S(DETACH),    NOT } },
    [FERRY_RECORD_TRANSFER]  = { "TRANSFER",  { S(TRANSFER),  NOT } },
    [FERRY_RECORD_HANDOFF]   = { "HANDOFF",   { S(HANDOFF),   NOT } },
    [FERRY_RECORD_COMMITTED] = { "COMMITTED", { S(COMMITTED), NOT } },
    [FERRY_RECORD_RESERVED]  = { "RESERVED",  { NOT,          T(RESERVED) } },
    [FERRY_RECORD_PREPARED]  = { "PREPARED",  { NOT,          T(PREPARED) } },
    [FERRY_RECORD_COMMIT]    = { "COMMIT",    { NOT,          T(COMMIT) } },
    [FERRY_RECORD_RUNNING]   = { "RUNNING",   { NOT,          T(RUNNING) } },
    [FERRY_RECORD_LOST]      = { "LOST",      { NOT,          T(LOST) } },
    [FERRY_RECORD_ABORTED]   = { "ABORTED",   { S(ABORTED),   T(ABORTED) } },
    [FERRY_RECORD_RESOLVED]  = { "RESOLVED",  { S(RESOLVED),  T(RESOLVED) } },
    [FERRY_RECORD_DONE]      = { "DONE",      { S(DONE),      T(DONE) } },
};
/* clang-format on */
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == FERRY_RECORD_N_KINDS);

const char *
ferry_record_kind_name(FerryRecordKind kind)
{
    g_assert(kind < FERRY_RECORD_N_KINDS);
    return kinds[kind].name;
}

bool
ferry_record_kind_parse(const char *name, FerryRecordKind *ret)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_strcmp0(kinds[i].name, name) == 0) {
            *ret = (FerryRecordKind)i;
            return true;
        }
    }
    return false;
}

const char *
ferry_side_name(FerrySide side)
{
    return side == FERRY_SIDE_SOURCE ? "source" : "target";
}

void
ferry_record_crash_before(FerrySide side, FerryRecordKind kind)
{
    g_assert(kinds[kind].side[side].writes);
    ferry_crash_at(kinds[kind].side[side].before);
}

void
ferry_record_crash_after(FerrySide side, FerryRecordKind kind)
{
    g_assert(kinds[kind].side[side].writes);
    ferry_crash_at(kinds[kind].side[side].after);
}

void
ferry_record_free(FerryRecord *record)
{
    if (record == NULL)
        return;
    g_free(record->data);
    g_free(record);
}
