#pragma once

#include <stdint.h>

/**
 * The part of the kernel's VFIO interface that ferry speaks, under names of its own: Debian 12's
 * <linux/vfio.h> (6.1) has no PRE_COPY, no sizes and no iommufd, and enumerators cannot be tested
 * with #ifdef.  Values and layouts are those of Linux 7.3; tests/vfio/test-uapi.c compares them
 * with tests/vfio/data/uapi.json and with the system's header where that has the name.
 */

/* All ioctl numbers are _IO(';', 100 + n): no size bits. */
#define FERRY_VFIO_IO(n)                  ((';' << 8) | (100 + (n)))
#define FERRY_VFIO_GET_API_VERSION        FERRY_VFIO_IO(0)
#define FERRY_VFIO_SET_IOMMU              FERRY_VFIO_IO(2)
#define FERRY_VFIO_GROUP_GET_STATUS       FERRY_VFIO_IO(3)
#define FERRY_VFIO_GROUP_SET_CONTAINER    FERRY_VFIO_IO(4)
#define FERRY_VFIO_GROUP_GET_DEVICE_FD    FERRY_VFIO_IO(6)
#define FERRY_VFIO_DEVICE_GET_INFO        FERRY_VFIO_IO(7)
#define FERRY_VFIO_DEVICE_GET_REGION_INFO FERRY_VFIO_IO(8)
#define FERRY_VFIO_DEVICE_RESET           FERRY_VFIO_IO(11)
#define FERRY_VFIO_DEVICE_FEATURE         FERRY_VFIO_IO(17)
#define FERRY_VFIO_DEVICE_BIND_IOMMUFD    FERRY_VFIO_IO(18)
#define FERRY_VFIO_MIG_GET_PRECOPY_INFO   FERRY_VFIO_IO(21)
#define FERRY_VFIO_TYPE1V2_IOMMU          3
#define FERRY_VFIO_GROUP_FLAGS_VIABLE     1u
#define FERRY_VFIO_DEVICE_FLAGS_RESET     1u
#define FERRY_VFIO_PCI_CONFIG_REGION      7u

/* VFIO_DEVICE_FEATURE: bits 0-15 of the flags are the index. */
#define FERRY_FEATURE_GET   (1u << 16)
#define FERRY_FEATURE_SET   (1u << 17)
#define FERRY_FEATURE_PROBE (1u << 18)

#define FERRY_FEATURE_MIGRATION           1u
#define FERRY_FEATURE_MIG_DEVICE_STATE    2u
#define FERRY_FEATURE_DMA_LOGGING_START   6u
#define FERRY_FEATURE_DMA_LOGGING_STOP    7u
#define FERRY_FEATURE_DMA_LOGGING_REPORT  8u
#define FERRY_FEATURE_MIG_DATA_SIZE       9u
#define FERRY_FEATURE_MIG_PRECOPY_INFO_V2 12u

/* Flags of FERRY_FEATURE_MIGRATION. */
#define FERRY_MIG_STOP_COPY 1u
#define FERRY_MIG_P2P       2u
#define FERRY_MIG_PRE_COPY  4u
#define FERRY_MIG_ALL       7u

#define FERRY_PRECOPY_INFO_REINIT 1u

typedef struct {
    uint32_t argsz;
    uint32_t flags;
} FerryUapiFeature; /* the payload follows */

typedef struct {
    uint32_t device_state;
    int32_t data_fd;
} FerryUapiMigState;

typedef struct {
    uint32_t argsz;
    uint32_t flags;
    uint64_t initial_bytes;
    uint64_t dirty_bytes;
} FerryUapiPrecopyInfo;

typedef struct {
    uint32_t argsz;
    uint32_t flags;
    int32_t iommufd;
    uint32_t out_devid;
} FerryUapiBindIommufd; /* 6.6; a later kernel's token is left out: argsz says so */

typedef struct {
    uint32_t argsz;
    uint32_t flags;
    uint32_t num_regions;
    uint32_t num_irqs;
} FerryUapiDeviceInfo; /* 3.6; the kernel accepts the short form */

typedef struct {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t cap_offset;
    uint64_t size;
    uint64_t offset;
} FerryUapiRegionInfo;

typedef struct {
    uint64_t page_size;
    uint32_t num_ranges;
    uint32_t reserved;
    uint64_t ranges;
} FerryUapiDmaLoggingControl;

typedef struct {
    uint64_t iova;
    uint64_t length;
    uint64_t page_size;
    uint64_t bitmap;
} FerryUapiDmaLoggingReport;
