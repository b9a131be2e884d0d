/*
 * Takes the VF of a hybrid NIC off, with src/migrate's own function, on a real host: for
 * tests/lab.  Not beside a ferryd that runs: its keeper would plug it in again.
 *
 *   hybrid-probe GUEST-UUID VF-ALIAS SECONDS
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "migrate/hybrid.h"

static FerryInventory *
inventory(void *data)
{
    FerryInventory *ret = NULL;

    (void)ferry_inventory_read(*(const int *)data, &ret, NULL);
    return ret;
}

static const char *const words[] = {
    [FERRY_UNPLUG_DONE] = "done",
    [FERRY_UNPLUG_WAIT] = "waiting",
    [FERRY_UNPLUG_REFUSED] = "refused",
};

static int
take_off(FerryHybrids *hybrids, FerryGuests *guests, char **argv)
{
    const FerryClock *clock = ferry_clock_system();
    const int64_t began_ms = clock->now_ms(clock);
    const int64_t limit_ms = atoi(argv[3]) * INT64_C(1000);
    FerryUnplug now = FERRY_UNPLUG_WAIT;

    while (now == FERRY_UNPLUG_WAIT && clock->now_ms(clock) - began_ms < limit_ms) {
        const uint64_t seen = ferry_guests_seen(guests);
        g_autofree char *why = NULL;
        g_autoptr(GError) error = NULL;

        if (!ferry_hybrid_unplug(hybrids, argv[1], argv[2], &now, &why, &error))
            (void)fprintf(stderr, "%s\n", error->message);
        if (now == FERRY_UNPLUG_WAIT)
            (void)ferry_guests_wait(guests, argv[1], seen, 500);
    }
    (void)printf("%s after %lld ms\n", words[now], (long long)(clock->now_ms(clock) - began_ms));
    return now == FERRY_UNPLUG_DONE ? 0 : 1;
}

int
main(int argc, char **argv)
{
    FERRY_AUTOFD int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(FerryGuests) guests = ferry_guests_new("qemu:///system");
    const FerryHybridsConfig config = { .guest = ferry_hybrid_guest_ops(),
                                        .guest_data = guests,
                                        .inventory = inventory,
                                        .inventory_data = &root,
                                        .netdevs = ferry_netdev_kernel(),
                                        .root = root,
                                        .settle_ms = 3000,
                                        .clock = ferry_clock_system() };
    g_autoptr(FerryHybrids) hybrids = ferry_hybrids_new(&config);

    if (argc != 4 || root < 0)
        return 2;
    return take_off(hybrids, guests, argv);
}
