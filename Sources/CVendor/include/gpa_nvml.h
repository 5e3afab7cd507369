// What the agent uses of NVML, NVIDIA's management library: our own declarations of its types, and a table of its
// functions. Nothing is linked; the table is filled by dlsym.

#ifndef GPA_NVML_H
#define GPA_NVML_H

#include <stdint.h>

#include "gpa_symbol.h"

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

// The functions: the name of the symbol without "nvml", and the types of its parameters. A REQUIRED function is in every
// driver since 470. For an OPTIONAL one, a comment says why a driver can lack it.
#define GPA_NVML_FUNCTIONS(REQUIRED, OPTIONAL) \
    REQUIRED(Init_v2, void) \
    REQUIRED(SystemGetDriverVersion, char *_Nonnull version, uint32_t length) \
    REQUIRED(SystemGetNVMLVersion, char *_Nonnull version, uint32_t length) \
    REQUIRED(SystemGetCudaDriverVersion_v2, int32_t *_Nonnull version) \
    REQUIRED(DeviceGetCount_v2, uint32_t *_Nonnull count) \
    REQUIRED(DeviceGetHandleByIndex_v2, uint32_t index, gpa_nvml_device_t _Nullable *_Nonnull device) \
    REQUIRED(DeviceGetName, gpa_nvml_device_t _Nonnull, char *_Nonnull name, uint32_t length) \
    REQUIRED(DeviceGetUUID, gpa_nvml_device_t _Nonnull, char *_Nonnull uuid, uint32_t length) \
    REQUIRED(DeviceGetPciInfo_v3, gpa_nvml_device_t _Nonnull, gpa_nvml_pci_info_t *_Nonnull) \
    REQUIRED(DeviceGetMemoryInfo, gpa_nvml_device_t _Nonnull, gpa_nvml_memory_t *_Nonnull) \
    REQUIRED( \
        DeviceGetCudaComputeCapability, gpa_nvml_device_t _Nonnull, int32_t *_Nonnull major, int32_t *_Nonnull minor \
    ) \
    REQUIRED(DeviceGetMigMode, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull current, uint32_t *_Nonnull pending) \
    REQUIRED(DeviceGetMaxMigDeviceCount, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull count) \
    REQUIRED( \
        DeviceGetMigDeviceHandleByIndex, gpa_nvml_device_t _Nonnull, uint32_t index, \
        gpa_nvml_device_t _Nullable *_Nonnull mig_device \
    ) \
    REQUIRED(DeviceGetGpuInstanceId, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull id) \
    REQUIRED(DeviceGetComputeInstanceId, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull id) \
    REQUIRED(DeviceGetAttributes_v2, gpa_nvml_device_t _Nonnull, gpa_nvml_device_attributes_t *_Nonnull) \
    REQUIRED(DeviceGetVirtualizationMode, gpa_nvml_device_t _Nonnull, int32_t *_Nonnull mode) \
    /* Traits of a GPU: a driver without the function has no such trait. */ \
    OPTIONAL(DeviceGetEccMode, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull current, uint32_t *_Nonnull pending) \
    OPTIONAL(DeviceGetGspFirmwareVersion, gpa_nvml_device_t _Nonnull, char *_Nonnull version) \
    OPTIONAL(DeviceGetPersistenceMode, gpa_nvml_device_t _Nonnull, int32_t *_Nonnull mode) \
    /* Not in 470. */ \
    OPTIONAL(DeviceGetMemoryInfo_v2, gpa_nvml_device_t _Nonnull, gpa_nvml_memory_v2_t *_Nonnull) \
    /* One of the two is enough; _v3 is asked where _v4 is not. */ \
    OPTIONAL( \
        DeviceGetGridLicensableFeatures_v4, gpa_nvml_device_t _Nonnull, gpa_nvml_grid_licensable_features_t *_Nonnull \
    ) \
    OPTIONAL( \
        DeviceGetGridLicensableFeatures_v3, gpa_nvml_device_t _Nonnull, gpa_nvml_grid_licensable_features_t *_Nonnull \
    )

typedef struct {
#define GPA_REQUIRED(name, ...) gpa_nvml_return_t (*_Nonnull name)(__VA_ARGS__);
#define GPA_OPTIONAL(name, ...) gpa_nvml_return_t (*_Nullable name)(__VA_ARGS__);
    GPA_NVML_FUNCTIONS(GPA_REQUIRED, GPA_OPTIONAL)
#undef GPA_REQUIRED
#undef GPA_OPTIONAL
} gpa_nvml_functions_t;

// The symbols of the table, and how many there are.
const gpa_symbol_t *_Nonnull gpa_nvml_symbols(size_t *_Nonnull count);

#endif
