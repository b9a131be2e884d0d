#pragma once

#include <jansson.h>

#include "xml/domain.h"

/** What is known beside a guest's XML; all of it the caller's. */
typedef struct {
    int root; /* as for ferry_vfio_is_driven(); -1: no VF is seen to be driven */
    /** Returns: monotonic ms when the guest's driver of a virtio NIC said last that it knows
     * failover, 0 never: ferry_guests_failover_ms() */
    int64_t (*heard_ms)(void *data, const char *guest_uuid, const char *alias);
    void *data;
    int64_t now_ms;
    int64_t gap_ms; /* ferry_failover_gap_ms(); -1 = no figure */
} FerryFailoverKnown;

/**
 * What becomes of a guest's network while its VFs are away.
 *
 * QEMU shows a hybrid's VF to a guest only once its virtio driver has said that it joins the two
 * (VIRTIO_NET_F_STANDBY: Linux from 4.18, Windows' drivers from 0.1.189).  So a guest that drives
 * the VF does; of one that does not, this is known only as long as the driver's word is fresh.
 *
 * @live: the guest's live XML
 * @doubts: gets {code: "failover-unknown", alias, message} for each hybrid with its VF in the guest
 *          whose guest is not known to go on over virtio
 * @warnings: gets {code: "network-gap", alias, message} for each ephemeral NIC, which has no
 * standby
 */
void ferry_failover_look(const FerryDomain *live,
                         const FerryFailoverKnown *known,
                         json_t *doubts,
                         json_t *warnings);

/** @reports: array of jobs as the API shows them, newest first.  Returns: for how long at most
 * devices were off in the guest's last move from this host, in ms; -1 when none is known */
int64_t ferry_failover_gap_ms(const json_t *reports, const char *guest_uuid);
