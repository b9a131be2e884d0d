#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** What a PF can set for one of its VFs; bits, for "these of them". */
typedef enum {
    FERRY_VF_MAC = 1 << 0,  /* the administrative one: taken by the VF's driver at its next
                               start, and not to be changed by the guest */
    FERRY_VF_VLAN = 1 << 1, /* tag, priority and protocol together */
    FERRY_VF_SPOOF_CHECK = 1 << 2,
    FERRY_VF_TRUST = 1 << 3,
    FERRY_VF_LINK_STATE = 1 << 4,
    FERRY_VF_RATE = 1 << 5, /* both limits together */
    FERRY_VF_RSS_QUERY = 1 << 6,
    FERRY_VF_N_FIELDS = 7,
    FERRY_VF_ALL = (1 << FERRY_VF_N_FIELDS) - 1
} FerryVfFields;

/** Settings of one VF; @known says which of them the driver told. */
typedef struct {
    FerryVfFields known;
    uint8_t mac[6]; /* all 0: none was set */
    uint16_t vlan;  /* 0: none */
    uint8_t vlan_priority;
    uint16_t vlan_protocol; /* 0x8100 or 0x88a8 */
    bool spoof_check;
    bool trust;
    uint8_t link_state; /* 0 as the PF's, 1 always up, 2 always down */
    uint32_t min_rate_mbps;
    uint32_t max_rate_mbps; /* 0: no limit */
    bool rss_query;
} FerryVfSettings;

/** How VF settings are read and written; the PF is named by its netdev. */
typedef struct {
    /** Returns: 0 or an errno; ENOENT when the PF has no VF of that index */
    int (*get)(void *data, const char *netdev, unsigned index, FerryVfSettings *ret);
    /** Sets that one of @settings's fields.  Returns: 0 or an errno */
    int (*set)(void *data,
               const char *netdev,
               unsigned index,
               const FerryVfSettings *settings,
               FerryVfFields field);
    /** Waits between two tries of something that was busy. */
    void (*pause)(void *data, unsigned ms);
} FerryVfOps;

/** Returns: (transfer none): the kernel's own, by netlink; its data is NULL */
const FerryVfOps *ferry_vf_netlink(void);

/**
 * @ret: (out)
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND (no such netdev or VF), FERRY_ERROR_DENIED or
 *          FERRY_ERROR_IO
 */
bool ferry_vf_read(const FerryVfOps *ops,
                   void *data,
                   const char *netdev,
                   unsigned index,
                   FerryVfSettings *ret,
                   GError **error);

/**
 * Writes those of @fields that differ from what is set now, in the order in which drivers want
 * them. A driver that is busy with a reset of the VF is asked again for a second.
 *
 * @unsupported: (out) (optional): those that this driver has not, and that were left: an answer
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_BUSY, FERRY_ERROR_DENIED or
 * FERRY_ERROR_IO, naming the field; fields before it are written
 */
bool ferry_vf_write(const FerryVfOps *ops,
                    void *data,
                    const char *netdev,
                    unsigned index,
                    const FerryVfSettings *settings,
                    FerryVfFields fields,
                    FerryVfFields *unsupported,
                    GError **error);

/** Returns: which of the fields that both know differ */
FerryVfFields ferry_vf_compare(const FerryVfSettings *a, const FerryVfSettings *b);
