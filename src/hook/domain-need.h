#pragma once

/** What a guest wants of ferryd when it starts. */
typedef enum {
    HOOK_NEED_NOTHING, /* not a guest of ours, or none of its devices is ferryd's to make */
    HOOK_NEED_CAN_DO_WITHOUT,
    HOOK_NEED_FERRYD, /* a managed mdev, or a hybrid NIC that must not start without a VF */
} HookNeed;

/** Which of ferry's elements are looked for. */
typedef enum {
    HOOK_ALL_DEVICES,
    HOOK_HYBRIDS, /* hybrid NICs only */
} HookDevices;

/** Room for a device's alias, with its 0 byte. */
#define HOOK_ALIAS_BYTES 128

/**
 * Looks for ferry's own elements in a domain XML (docs/man/ferry-guest.1.scd).  That they are
 * right is ferryd's to judge; this only finds out whether it must be asked.
 *
 * @ret_alias: (out): of the first device with the returned need; "" when it has none
 */
HookNeed
hook_find_need(const char *xml, HookDevices devices, char ret_alias[static HOOK_ALIAS_BYTES]);
