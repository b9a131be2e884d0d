#pragma once

#include "migrate/saved-world.h"

/**
 * A host with one guest that has an ephemeral NIC, ua-nic7, and a libvirt that saves it in real
 * files: "whole" and its XML, or "part".  Its process may die at any call that changes something.
 */
typedef struct {
    char *folder, *file;
    int state; /* 1 running, 3 paused, 5 off */
    bool has_nic, is_marked, is_persistent;
    bool keeps_nic;    /* the guest does not let go */
    bool save_fails;   /* as on a full disk */
    bool dies_at_save; /* the guest ends, and the file is not whole */
    bool is_started;   /* by somebody, as soon as it is saved */
    bool restore_fails;
    bool refuses_slots;
    int claims, kept; /* of the job */
    unsigned n_plugged, n_released;
    GPtrArray *records; /* of FerryRecord: the journal */
    unsigned n_effects; /* calls that changed something */
    unsigned dies_at;   /* before the effect of that number, from 1; 0: never */
    _Atomic bool is_dead;
    int64_t now_ms;
} SavedFake;

#define SAVED_UUID "0f0e1d2c-3b4a-4958-8776-695a4b3c2d1e"
#define SAVED_JOB  "11111111-2222-4333-8444-555555555555"

SavedFake *saved_fake_new(void);
void saved_fake_free(SavedFake *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SavedFake, saved_fake_free)

/** The fake as the drivers see it. */
FerrySavedWorld saved_fake_world(SavedFake *self);

/** Returns: (transfer full): a job of that kind */
FerryJob *saved_fake_job(const SavedFake *self, FerryJobKind kind);

/** Returns: (transfer full): as a check would make it */
FerryPlan *saved_fake_plan(void);

/** The next process: nothing of the old one is left but guest, files and journal; claims of a job
 * that is not in it are released. */
void saved_fake_revive(SavedFake *self);

/** Returns: whether a file whose name ends so is in the folder */
bool saved_fake_has_file(const SavedFake *self, const char *suffix);

/** Returns: whether the journal has a job that is not at its end */
bool saved_fake_has_open_job(const SavedFake *self);

/** Asserts that the journal has just these records. */
void saved_fake_assert_records(const SavedFake *self, const FerryRecordKind *kinds, size_t n_kinds);

/** Asserts what @job tells under @key; @expected: (nullable): for null */
void saved_job_assert_tells(FerryJob *job, const char *key, const char *expected);

/** Asserts the first reason that @job tells, which has these words in its message. */
void saved_job_assert_reason(FerryJob *job, const char *code, const char *words);
