#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/**
 * The vfio-user protocol's bytes: pure coding and decoding, no socket.  Reference: QEMU's
 * docs/interop/vfio-user.rst; section names below are its own.  Host byte order.
 */

#define FERRY_USER_HEADER_BYTES 16
#define FERRY_USER_TYPE_MASK    0xfu
#define FERRY_USER_TYPE_COMMAND 0u
#define FERRY_USER_TYPE_REPLY   1u
#define FERRY_USER_NO_REPLY     0x10u
#define FERRY_USER_ERROR        0x20u

#define FERRY_USER_MAJOR 0
#define FERRY_USER_MINOR 2
/** Ours, and what absence means ("Capabilities"). */
#define FERRY_USER_MAX_XFER (1024 * 1024)
/** The reference library reads a request's body with one recv() that may be short once header and
 *  body are beyond one socket buffer piece: more than 36,520 bytes of data then fail at random. */
#define FERRY_USER_SAFE_WRITE (32 * 1024)

typedef enum {
    FERRY_USER_VERSION = 1,
    FERRY_USER_DMA_MAP = 2,
    FERRY_USER_DMA_UNMAP = 3,
    FERRY_USER_GET_INFO = 4,
    FERRY_USER_GET_REGION_INFO = 5,
    FERRY_USER_GET_IRQ_INFO = 7,
    FERRY_USER_REGION_READ = 9,
    FERRY_USER_REGION_WRITE = 10,
    FERRY_USER_DMA_READ = 11,
    FERRY_USER_DMA_WRITE = 12,
    FERRY_USER_RESET = 13,
    FERRY_USER_FEATURE = 16,
    FERRY_USER_MIG_DATA_READ = 17,
    FERRY_USER_MIG_DATA_WRITE = 18,
} FerryUserCommand;

/** "Header": a plain value, laid out as on the wire. */
typedef struct {
    uint16_t id;
    uint16_t command;
    uint32_t size; /* of the whole message, header included */
    uint32_t flags;
    uint32_t error_no;
} FerryUserHeader;
G_STATIC_ASSERT(sizeof(FerryUserHeader) == FERRY_USER_HEADER_BYTES);

/** The payload that MIG_DATA_READ and MIG_DATA_WRITE begin with. */
typedef struct {
    uint32_t argsz;
    uint32_t size;
} FerryUserData;

/** The payload that REGION_READ and REGION_WRITE begin with. */
typedef struct {
    uint64_t offset;
    uint32_t region;
    uint32_t count;
} FerryUserRegion;

/** What the other side said of itself. */
typedef struct {
    uint16_t major;
    uint16_t minor;
    size_t max_xfer_bytes; /* 1 to 2^31-1; the default when it said nothing */
    unsigned max_fds;
} FerryUserVersion;

/** Returns: (transfer full): the payload of our VERSION request, its final 0 byte included */
GByteArray *ferry_user_version_request(void);

/**
 * Reads a VERSION payload.
 *
 * @ret: (out): set on success
 *
 * Returns: false with FERRY_ERROR_PEER when it is malformed, of another major version or of a
 *          minor version above the one proposed
 */
bool ferry_user_version_parse(const uint8_t *payload,
                              size_t size,
                              FerryUserVersion *ret,
                              GError **error);

/**
 * Checks a reply's header against the request it should answer.
 *
 * @max_size: the largest message that makes sense here
 * @ret_code: (out): 0, or the errno the server answered (EIO when it gave none)
 *
 * Returns: false with FERRY_ERROR_PEER when it is no such reply: the stream is out of step then
 */
bool ferry_user_reply_check(const FerryUserHeader *header,
                            uint16_t id,
                            uint16_t command,
                            size_t max_size,
                            int *ret_code,
                            GError **error);

/**
 * Checks a MIG_DATA_READ reply's payload: only its size field counts, what follows that many bytes
 * is padding (the reference library always sends as much as was asked for).
 *
 * @payload_size: bytes after the message header
 *
 * Returns: false with FERRY_ERROR_PEER when size says more than was asked for or than there is
 */
bool
ferry_user_data_check(const FerryUserData *data, size_t payload_size, size_t asked, GError **error);
