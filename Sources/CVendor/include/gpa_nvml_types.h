// The types of NVML that the agent uses: our own declarations, with the layouts of NVIDIA's header.

#ifndef GPA_NVML_TYPES_H
#define GPA_NVML_TYPES_H

#include "gpa_nvml_events.h"
#include <stdint.h>

// 0 for success; the other codes are named in NVMLReturn.swift.
typedef int32_t gpa_nvml_return_t;

// A GPU or a MIG device. It is valid until the process ends.
typedef struct gpa_nvml_device *gpa_nvml_device_t;

// The room for texts that NVML's documentation asks for.
enum {
    GPA_NVML_VERSION_SIZE = 80,
    GPA_NVML_NAME_SIZE = 96,
    GPA_NVML_UUID_SIZE = 96,
    GPA_NVML_GSP_FIRMWARE_VERSION_SIZE = 64,
    GPA_NVML_SERIAL_SIZE = 30,
    GPA_NVML_VBIOS_VERSION_SIZE = 32,
    GPA_NVML_INFOROM_VERSION_SIZE = 16,
    GPA_NVML_PART_NUMBER_SIZE = 80,
};

typedef struct {
    char bus_id_legacy[16];
    uint32_t domain;
    uint32_t bus;
    uint32_t device;
    uint32_t pci_device_id;
    uint32_t pci_subsystem_id;
    // Domain with eight digits, upper case: 00000001:00:00.0.
    char bus_id[32];
} gpa_nvml_pci_info_t;

typedef struct {
    uint64_t total;
    uint64_t free;
    uint64_t used;
} gpa_nvml_memory_t;

// `version` must be GPA_NVML_MEMORY_V2_VERSION before the call.
typedef struct {
    uint32_t version;
    uint64_t total;
    uint64_t reserved;
    uint64_t free;
    uint64_t used;
} gpa_nvml_memory_v2_t;

static const uint32_t GPA_NVML_MEMORY_V2_VERSION = 2u << 24 | (uint32_t)sizeof(gpa_nvml_memory_v2_t);

typedef struct {
    uint64_t total;
    uint64_t free;
    uint64_t used;
} gpa_nvml_bar1_memory_t;

// What GPA_NVML_FIELD_* ask for, with one return code each.
enum {
    GPA_NVML_FIELD_ECC_CORRECTED = 3,
    GPA_NVML_FIELD_ECC_UNCORRECTED = 4,
    GPA_NVML_FIELD_ECC_CORRECTED_EVER = 5,
    GPA_NVML_FIELD_ECC_UNCORRECTED_EVER = 6,
    GPA_NVML_FIELD_RETIRED_SINGLE_BIT = 29,
    GPA_NVML_FIELD_RETIRED_DOUBLE_BIT = 30,
    GPA_NVML_FIELD_RETIRED_PENDING = 31,
    GPA_NVML_FIELD_MEMORY_TEMPERATURE = 82,
    GPA_NVML_FIELD_PCIE_REPLAYS = 94,
    GPA_NVML_FIELD_REMAPPED_CORRECTABLE = 142,
    GPA_NVML_FIELD_REMAPPED_UNCORRECTABLE = 143,
    GPA_NVML_FIELD_REMAPPED_PENDING = 144,
    GPA_NVML_FIELD_REMAPPED_FAILED = 145,
    GPA_NVML_FIELD_RECOVERY_ACTION = 230,
};

typedef struct {
    uint32_t field_id;
    uint32_t scope_id;
    int64_t timestamp;
    int64_t latency_us;
    // Says which member of NVIDIA's union is set; all begin at the same address.
    int32_t value_type;
    gpa_nvml_return_t result;
    uint64_t value;
} gpa_nvml_field_value_t;

// `version` must be GPA_NVML_ECC_SRAM_VERSION before the call.
typedef struct {
    uint32_t version;
    uint64_t aggregate_uncorrected_parity;
    uint64_t aggregate_uncorrected_secded;
    uint64_t aggregate_corrected;
    uint64_t volatile_uncorrected_parity;
    uint64_t volatile_uncorrected_secded;
    uint64_t volatile_corrected;
    uint64_t aggregate_l2;
    uint64_t aggregate_sm;
    uint64_t aggregate_pcie;
    uint64_t aggregate_mcu;
    uint64_t aggregate_other;
    uint32_t threshold_exceeded;
} gpa_nvml_ecc_sram_t;

static const uint32_t GPA_NVML_ECC_SRAM_VERSION = 1u << 24 | (uint32_t)sizeof(gpa_nvml_ecc_sram_t);

// `version` must be GPA_NVML_REPAIR_STATUS_VERSION before the call.
typedef struct {
    uint32_t version;
    uint32_t channel_repair_pending;
    uint32_t tpc_repair_pending;
} gpa_nvml_repair_status_t;

static const uint32_t GPA_NVML_REPAIR_STATUS_VERSION = 1u << 24 | (uint32_t)sizeof(gpa_nvml_repair_status_t);

// `version` must be GPA_NVML_TEMPERATURE_VERSION before the call; the sensor 0 is that of the GPU.
typedef struct {
    uint32_t version;
    int32_t sensor;
    int32_t temperature;
} gpa_nvml_temperature_t;

static const uint32_t GPA_NVML_TEMPERATURE_VERSION = 1u << 24 | (uint32_t)sizeof(gpa_nvml_temperature_t);

typedef struct {
    uint32_t gpu;
    uint32_t memory;
} gpa_nvml_utilization_t;

typedef struct {
    uint8_t cluster_uuid[16];
    gpa_nvml_return_t status;
    uint32_t clique_id;
    uint8_t state;
} gpa_nvml_fabric_info_t;

// `version` must be one of GPA_NVML_FABRIC_INFO_V*_VERSION before the call. Version 2 ends before `health_summary`.
typedef struct {
    uint32_t version;
    uint8_t cluster_uuid[16];
    gpa_nvml_return_t status;
    uint32_t clique_id;
    uint8_t state;
    uint32_t health_mask;
    uint8_t health_summary;
} gpa_nvml_fabric_info_v3_t;

static const uint32_t GPA_NVML_FABRIC_INFO_V3_VERSION = 3u << 24 | (uint32_t)sizeof(gpa_nvml_fabric_info_v3_t);
static const uint32_t GPA_NVML_FABRIC_INFO_V2_VERSION = 2u << 24 | (uint32_t)(sizeof(gpa_nvml_fabric_info_v3_t) - 4);

// The most links that a GPU has.
enum { GPA_NVML_NVLINK_MAX_LINKS = 36 };

// What is at the other end of a link (nvmlIntNvLinkDeviceType_t). 1 is a processor of IBM, and 255 is not known.
enum { GPA_NVML_LINK_END_GPU = 0, GPA_NVML_LINK_END_SWITCH = 2 };

// The memory is all ones when NVML cannot tell it, and the instances when the process uses no MIG device.
typedef struct {
    uint32_t pid;
    uint64_t used_memory;
    uint32_t gpu_instance_id;
    uint32_t compute_instance_id;
} gpa_nvml_process_info_t;

typedef struct {
    uint32_t environment;
    uint32_t feature;
    uint32_t developer_tools;
} gpa_nvml_conf_compute_state_t;

// `version` must be GPA_NVML_CONF_COMPUTE_SETTINGS_VERSION before the call.
typedef struct {
    uint32_t version;
    uint32_t environment;
    uint32_t feature;
    uint32_t developer_tools;
    uint32_t multi_gpu;
} gpa_nvml_conf_compute_settings_t;

static const uint32_t GPA_NVML_CONF_COMPUTE_SETTINGS_VERSION =
    1u << 24 | (uint32_t)sizeof(gpa_nvml_conf_compute_settings_t);

// `version` must be GPA_NVML_DRIVER_BRANCH_VERSION before the call.
typedef struct {
    uint32_t version;
    char branch[80];
} gpa_nvml_driver_branch_t;

static const uint32_t GPA_NVML_DRIVER_BRANCH_VERSION = 1u << 24 | (uint32_t)sizeof(gpa_nvml_driver_branch_t);

// `version` must be GPA_NVML_ADDRESSING_MODE_VERSION before the call.
typedef struct {
    uint32_t version;
    uint32_t value;
} gpa_nvml_addressing_mode_t;

static const uint32_t GPA_NVML_ADDRESSING_MODE_VERSION = 1u << 24 | (uint32_t)sizeof(gpa_nvml_addressing_mode_t);

typedef struct {
    uint32_t multiprocessor_count;
    uint32_t shared_copy_engine_count;
    uint32_t shared_decoder_count;
    uint32_t shared_encoder_count;
    uint32_t shared_jpeg_count;
    uint32_t shared_ofa_count;
    uint32_t gpu_instance_slice_count;
    uint32_t compute_instance_slice_count;
    uint64_t memory_size_mib;
} gpa_nvml_device_attributes_t;

typedef struct {
    uint32_t year;
    uint16_t month;
    uint16_t day;
    uint16_t hour;
    uint16_t minute;
    uint16_t second;
    uint8_t status;
} gpa_nvml_grid_license_expiry_t;

typedef struct {
    int32_t feature_code;
    // Not 0 when the feature is licensed.
    uint32_t feature_state;
    char license_info[128];
    char product_name[128];
    uint32_t feature_enabled;
    gpa_nvml_grid_license_expiry_t license_expiry;
} gpa_nvml_grid_licensable_feature_t;

typedef struct {
    int32_t is_grid_license_supported;
    uint32_t licensable_features_count;
    gpa_nvml_grid_licensable_feature_t grid_licensable_features[3];
} gpa_nvml_grid_licensable_features_t;

#endif
