#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/**
 * The way to one device: the kernel's VFIO, a vfio-user server, or a test's fake, behind one ops
 * table.  It is deliberately thin and shows the errno that a driver answered with, because the
 * conformance tester is about exactly that; what the answers mean is known above (vfio/device.h).
 *
 * Two kinds of failure are kept apart.  What the *device* answers is data: a code that is 0 or an
 * errno.  A GError says that no answer came: FERRY_ERROR_TIMEOUT after the deadline of the call,
 * FERRY_ERROR_PEER when the server broke the protocol or hung up, FERRY_ERROR_IO.  After a GError
 * the transport is broken and each later call fails at once.
 *
 * Every call returns within the transport's timeout.  One thread at a time uses a transport.
 */
typedef struct _FerryTransport FerryTransport;

/** One VFIO_DEVICE_FEATURE call: @flags and @argsz go out as they are. */
typedef struct {
    uint32_t flags;
    uint32_t argsz;      /* 0: the right one, 8 + payload_size */
    void *payload;       /* (nullable): sent, and overwritten with the reply's on success */
    size_t payload_size; /* at most FERRY_FEATURE_MAX_PAYLOAD */
    int code;            /* (out): 0 or the device's errno */
} FerryFeatureCall;

#define FERRY_FEATURE_MAX_PAYLOAD 64

/** What a read or write of the data stream gave. */
typedef struct {
    size_t n; /* bytes moved; with code 0, a read of 0 is "nothing now" or the end */
    int code; /* 0 or the device's errno */
} FerryIo;

/** The figures of VFIO_MIG_GET_PRECOPY_INFO: estimates, and hostile like all numbers of a device.
 */
typedef struct {
    int code; /* 0, or the errno: ENOTTY when there is no such call */
    uint32_t flags;
    uint64_t initial_bytes;
    uint64_t dirty_bytes;
} FerryPrecopyInfo;

typedef struct {
    /** A feature call.  A SET of the device state takes the new data descriptor, if there is one,
     *  into the transport; the previous one is kept until stream_drop or the next. */
    bool (*feature)(void *data, FerryFeatureCall *call, GError **error);
    /** Reads the stream of the open session; short reads are normal. */
    bool (*stream_read)(void *data, void *buf, size_t size, FerryIo *ret, GError **error);
    /** Writes all of @buf, unless @ret has a code.  A code may belong to an earlier write. */
    bool (*stream_write)(void *data, const void *buf, size_t size, FerryIo *ret, GError **error);
    /** Waits for all writes under way; @ret_code: 0, or the errno of the first that failed. */
    bool (*stream_settle)(void *data, int *ret_code, GError **error);
    /** Forgets the session's stream, what was read ahead too. */
    void (*stream_drop)(void *data);
    /** PRECOPY_INFO with @argsz as given. */
    bool (*precopy_info)(void *data, uint32_t argsz, FerryPrecopyInfo *ret, GError **error);
    /** VFIO_DEVICE_RESET; @ret_code: 0 or an errno. */
    bool (*reset)(void *data, int *ret_code, GError **error);
    /** Reads a device region, for facts and for registers that are seen to arrive. */
    bool (*region_read)(void *data,
                        uint32_t region,
                        uint64_t offset,
                        void *buf,
                        size_t size,
                        int *ret_code,
                        GError **error);
    bool (*region_write)(void *data,
                         uint32_t region,
                         uint64_t offset,
                         const void *buf,
                         size_t size,
                         int *ret_code,
                         GError **error);
    /** Closes the device and frees everything. */
    void (*free)(void *data);
} FerryTransportOps;

/** What kind of transport: the tester's expectations differ where the specifications do. */
typedef enum {
    FERRY_TRANSPORT_KERNEL,
    FERRY_TRANSPORT_USER, /* vfio-user: no PRECOPY_INFO, no sizes, no P2P */
} FerryTransportKind;

struct _FerryTransport {
    const FerryTransportOps *ops;
    void *data;
    FerryTransportKind kind;
    char *name;      /* as the operator typed it: for messages */
    size_t max_read; /* the most that one read can bring; larger buffers are no use */
};

/** Closes the device.  NULL is fine. */
void ferry_transport_free(FerryTransport *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryTransport, ferry_transport_free)
