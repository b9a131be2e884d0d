#pragma once

#include "guest/look.h"

#define NOBODY "00000000-0000-4000-8000-000000000001"

/** libvirt's test driver in this process, and the UUID of its one guest: "test", running, 8 GiB. */
typedef struct {
    FerryGuests *guests;
    char *uuid;
} DefaultGuest;

static inline void
default_guest_open(DefaultGuest *self, gconstpointer data)
{
    g_autoptr(FerryGuest) guest = NULL;

    (void)data;
    self->guests = ferry_guests_new("test:///default");
    g_assert_true(ferry_guests_find(self->guests, "test", &guest, NULL));
    g_assert_nonnull(guest);
    self->uuid = g_strdup(guest->uuid);
}

static inline void
default_guest_close(DefaultGuest *self, gconstpointer data)
{
    (void)data;
    ferry_guests_free(self->guests);
    g_free(self->uuid);
}

#define DEFAULT_GUEST_TEST(path, func)                                                             \
    g_test_add(path, DefaultGuest, NULL, default_guest_open, func, default_guest_close)
