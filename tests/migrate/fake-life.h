#pragma once

#include "base/error.h"
#include "migrate/bell.h"
#include "migrate/life.h"

#define FAKE_UUID "6f1d2c1e-7d3b-4a57-8a44-0000000000aa"
#define FAKE_MDEV "11111111-0000-4000-8000-000000000001"

/** How often something goes wrong before it goes well; -1: always. */
typedef struct {
    int times;
    int code;         /* a FerryErrorCode, or -1 for an answer "no" */
    bool is_passing;  /* of an answer */
    const char *text; /* message */
} FakeTrouble;

/**
 * One guest, "web", and its claims, on a host that does what a test says.  What is done is written
 * down: log is "claim ua-gpu0, prepare 1, start".
 */
typedef struct {
    FerryLife life;
    FerryClock clock;
    int64_t now_ms; /* pauses and waits move it */
    GString *log;
    GPtrArray *claims; /* of FerryClaimRow */
    int64_t generation;
    FakeTrouble claim, prepare, keep, release, list, start, admit, before_start, hybrid_look, look;
    const char *trouble_alias; /* (nullable): claim's trouble is with that one only */
    const char *job;           /* (nullable): that holds the guest */
    const char *live_job;      /* (nullable) */
    bool has_hook;             /* libvirt runs it */
    bool is_raced;             /* a start that fails is up all the same: another's was quicker */
    bool obeys;                /* the guest shuts down when asked */
    bool is_away;              /* there is no such guest */
    int state;
    const char *xml;
    const char *create_xml; /* (nullable): what before_start gives */
    char *created;          /* what it was created from */
    uint64_t events;
    void (*on_look)(void *data); /* (nullable): what happens while libvirt is asked */
    unsigned again_ms;           /* of the hybrids' look */
    FerryBell *waited;           /* rings when somebody waits for an event */
} FakeLife;

FakeLife *fake_life_new(const char *xml);
void fake_life_free(FakeLife *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeLife, fake_life_free)

/** A claim that is there already. */
void fake_life_add_claim(FakeLife *self, const char *alias, FerryClaimState state, const char *job);

/** Waits until a thread has nothing to do but wait.  Returns: whether it came to that */
bool fake_life_await_look(FakeLife *self);

/** Asserts what was done since the last time. */
void fake_life_assert_log(FakeLife *self, const char *expected);

/** Asserts the first reason, and frees them. */
void fake_life_assert_reason(json_t *reasons, const char *code, const char *message);

/** A domain XML with this ferry metadata, and a hostdev for ua-gpu0 and ua-gpu1. */
#define FAKE_XML(metadata)                                                                         \
    "<domain type='qemu'><name>web</name><uuid>" FAKE_UUID "</uuid><memory>1024</memory>"          \
    "<metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>" metadata "</ferry:guest></metadata>" \
    "<devices>"                                                                                    \
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='" FAKE_MDEV     \
    "'/></source><alias name='ua-gpu0'/></hostdev>"                                                \
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address "                     \
    "uuid='11111111-0000-4000-8000-000000000002'/></source><alias name='ua-gpu1'/></hostdev>"      \
    "</devices></domain>"
#define FAKE_GPU0                                                                                  \
    "<ferry:mdev alias='ua-gpu0' parent='mtty' type='mtty-1' managed='yes'><ferry:attr name='a' "  \
    "value='b'/></ferry:mdev>"
#define FAKE_GPU1 "<ferry:mdev alias='ua-gpu1' pool='gpus' type='mtty-2' managed='yes'/>"
