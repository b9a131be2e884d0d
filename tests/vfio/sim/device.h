#pragma once

#include "vfio/mig-state.h"

/**
 * A device that does not exist: the state machine, a state of any size, dirt, and every way to
 * misbehave.  The way to it (in the process, or over vfio-user) is not its business.
 *
 * The state is a number of pages, each with a generation that grows when the page is dirtied, and
 * one register that a test can see.  The stream is a header, a record for each page sent, and an
 * end record with a digest of all generations and the register, so a load notices whatever was
 * lost, doubled, stale or foreign.  Page contents follow from (seed, page, generation), so a state
 * of 64 GiB needs no memory to speak of.
 *
 * Dirt is counted by bytes read, not by time: dirty_percent 10 dirties 10 bytes for each 100 that
 * are read while the device runs.  So a run is the same each time.
 *
 * No lock: one thread at a time.
 */
typedef struct _SimDevice SimDevice;

/** How a driver says "nothing now" in PRE_COPY. */
typedef enum { SIM_EMPTY_ZERO, SIM_EMPTY_NOMSG, SIM_EMPTY_AGAIN } SimEmpty;

/** What can be made to go wrong at its n-th time. */
typedef enum {
    SIM_FAIL_NOTHING,
    SIM_FAIL_READ,
    SIM_FAIL_WRITE,
    SIM_FAIL_MOVE,
    SIM_FAIL_INFO,
    SIM_FAIL_SIZE,
    SIM_FAIL_RESET,
    SIM_N_FAILS
} SimFail;

/** How: an errno; or the transport's end. */
typedef enum { SIM_HOW_ERRNO, SIM_HOW_ERROR_STATE, SIM_HOW_DROP, SIM_HOW_STALL } SimHow;

typedef struct {
    uint64_t flags;         /* 0: 7 */
    uint64_t state_bytes;   /* page contents; 0: one page */
    uint32_t page_bytes;    /* 0: 4096; a multiple of 8 */
    uint64_t initial_bytes; /* counted as initial_bytes at the start */
    unsigned dirty_percent; /* of what is read while running */
    uint64_t precopy_limit; /* at most so many bytes come before the stop; 0: no limit */
    uint64_t reinit_at;     /* once so many bytes were read: new initial data; 0: never */
    uint32_t type;          /* a stream of another type is refused */
    SimEmpty empty;
    size_t max_read;          /* no read gives more; 0: no limit */
    int64_t size_lie;         /* added to each figure that the device gives */
    unsigned old_info : 1;    /* a kernel before 7.1: no INFOv2, and a flag that means nothing */
    unsigned no_info : 1;     /* ENOTTY to PRECOPY_INFO and MIG_DATA_SIZE */
    unsigned accepts_all : 1; /* takes any stream: what a conformance test must find */
    unsigned opaque : 1;      /* contents without form or meaning, read and loaded at no cost */
    unsigned reset_keeps : 1; /* a reset leaves the migration state, as libvfio-user does */
    SimFail fail;
    SimHow how;
    int fail_code;
    unsigned fail_at; /* 1: the first time */
} SimOptions;

/** What came back: an errno, or the transport is to end or to stall. */
typedef struct {
    size_t n;
    int code;
    bool drop;
    bool stall;
} SimAnswer;

typedef struct {
    uint64_t initial;
    uint64_t dirty;
    bool reinit;
} SimInfo;

SimDevice *sim_device_new(const SimOptions *options);
void sim_device_free(SimDevice *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimDevice, sim_device_free)

const SimOptions *sim_device_options(const SimDevice *self);
FerryMigState sim_device_state(const SimDevice *self);

/** A SET of the device state. */
SimAnswer sim_device_move(SimDevice *self, uint32_t to);
SimAnswer sim_device_read(SimDevice *self, void *buf, size_t size);
SimAnswer sim_device_write(SimDevice *self, const void *buf, size_t size);
SimAnswer sim_device_info(SimDevice *self, SimInfo *ret);
SimAnswer sim_device_size(SimDevice *self, uint64_t *ret);
SimAnswer sim_device_reset(SimDevice *self);

/** The guest at work: new register value, and that many pages dirtied.  Ignored unless running. */
void sim_device_work(SimDevice *self, uint64_t reg, unsigned pages);
uint64_t sim_device_register(const SimDevice *self);
void sim_device_set_register(SimDevice *self, uint64_t reg);

/** Generations and register in one number: equal on both sides when the state arrived. */
uint64_t sim_device_digest(const SimDevice *self);

/** Turns a planned failure off, or on. */
void sim_device_set_fail(SimDevice *self, SimFail fail, SimHow how, int code, unsigned at);

/** Called on each entry to a state, to watch the order over several devices. */
typedef void (*SimWatch)(void *data, const SimDevice *device, FerryMigState state);
void sim_device_watch(SimDevice *self, SimWatch watch, void *data);
