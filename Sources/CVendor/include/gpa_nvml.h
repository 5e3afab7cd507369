// What the agent uses of NVML, NVIDIA's management library: a table of its functions. Nothing is linked; the table is
// filled by dlsym.

#ifndef GPA_NVML_H
#define GPA_NVML_H

#include <stdint.h>

#include "gpa_nvml_mig.h"
#include "gpa_nvml_types.h"
#include "gpa_symbol.h"

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
    /* Not in 550. The length is that of the text in the struct. */ \
    OPTIONAL(SystemGetDriverBranch, gpa_nvml_driver_branch_t *_Nonnull, uint32_t length) \
    /* The instances of MIG, for which a process needs rights. */ \
    OPTIONAL( \
        DeviceGetGpuInstanceById, gpa_nvml_device_t _Nonnull, uint32_t id, \
        gpa_nvml_gpu_instance_t _Nullable *_Nonnull \
    ) \
    OPTIONAL(GpuInstanceGetInfo, gpa_nvml_gpu_instance_t _Nonnull, gpa_nvml_gpu_instance_info_t *_Nonnull) \
    OPTIONAL( \
        GpuInstanceGetComputeInstanceById, gpa_nvml_gpu_instance_t _Nonnull, uint32_t id, \
        gpa_nvml_compute_instance_t _Nullable *_Nonnull \
    ) \
    OPTIONAL( \
        ComputeInstanceGetInfo_v2, gpa_nvml_compute_instance_t _Nonnull, gpa_nvml_compute_instance_info_t *_Nonnull \
    ) \
    /* The newest first: not in 470. */ \
    OPTIONAL( \
        DeviceGetGpuInstanceProfileInfoV, gpa_nvml_device_t _Nonnull, uint32_t profile, \
        gpa_nvml_gpu_instance_profile_t *_Nonnull \
    ) \
    OPTIONAL( \
        DeviceGetGpuInstanceProfileInfo, gpa_nvml_device_t _Nonnull, uint32_t profile, \
        gpa_nvml_gpu_instance_profile_v1_t *_Nonnull \
    ) \
    OPTIONAL(SystemGetConfComputeState, gpa_nvml_conf_compute_state_t *_Nonnull) \
    OPTIONAL(SystemGetConfComputeGpusReadyState, uint32_t *_Nonnull accepts_work) \
    /* Not in 535. */ \
    OPTIONAL(SystemGetConfComputeSettings, gpa_nvml_conf_compute_settings_t *_Nonnull) \
    /* The layout of MIG, which only root may read and change. Not in a driver without MIG. */ \
    OPTIONAL( \
        DeviceGetGpuInstancePossiblePlacements_v2, gpa_nvml_device_t _Nonnull, uint32_t profile_id, \
        gpa_nvml_placement_t *_Nullable placements, uint32_t *_Nonnull count \
    ) \
    OPTIONAL( \
        DeviceGetGpuInstances, gpa_nvml_device_t _Nonnull, uint32_t profile_id, \
        gpa_nvml_gpu_instance_t _Nullable *_Nonnull instances, uint32_t *_Nonnull count \
    ) \
    OPTIONAL( \
        GpuInstanceGetComputeInstances, gpa_nvml_gpu_instance_t _Nonnull, uint32_t profile_id, \
        gpa_nvml_compute_instance_t _Nullable *_Nonnull instances, uint32_t *_Nonnull count \
    ) \
    OPTIONAL( \
        GpuInstanceGetComputeInstanceProfileInfo, gpa_nvml_gpu_instance_t _Nonnull, uint32_t profile, uint32_t engines, \
        gpa_nvml_compute_instance_profile_t *_Nonnull \
    ) \
    OPTIONAL(DeviceSetMigMode, gpa_nvml_device_t _Nonnull, uint32_t mode, int32_t *_Nonnull activation) \
    OPTIONAL( \
        DeviceCreateGpuInstanceWithPlacement, gpa_nvml_device_t _Nonnull, uint32_t profile_id, \
        const gpa_nvml_placement_t *_Nonnull placement, gpa_nvml_gpu_instance_t _Nullable *_Nonnull instance \
    ) \
    OPTIONAL( \
        GpuInstanceCreateComputeInstance, gpa_nvml_gpu_instance_t _Nonnull, uint32_t profile_id, \
        gpa_nvml_compute_instance_t _Nullable *_Nonnull instance \
    ) \
    OPTIONAL(GpuInstanceDestroy, gpa_nvml_gpu_instance_t _Nonnull) \
    OPTIONAL(ComputeInstanceDestroy, gpa_nvml_compute_instance_t _Nonnull) \
    /* Events, which a process waits for. Without one of these, the agent waits for none. The set
       stays until the process ends. */ \
    OPTIONAL(EventSetCreate, gpa_nvml_event_set_t _Nullable *_Nonnull set) \
    OPTIONAL(DeviceGetSupportedEventTypes, gpa_nvml_device_t _Nonnull, uint64_t *_Nonnull types) \
    OPTIONAL(DeviceRegisterEvents, gpa_nvml_device_t _Nonnull, uint64_t types, gpa_nvml_event_set_t _Nonnull set) \
    /* The old one does not tell the instances of MIG. */ \
    OPTIONAL( \
        EventSetWait_v2, gpa_nvml_event_set_t _Nonnull set, gpa_nvml_event_data_t *_Nonnull data, \
        uint32_t milliseconds \
    ) \
    OPTIONAL( \
        EventSetWait, gpa_nvml_event_set_t _Nonnull set, gpa_nvml_event_data_t *_Nonnull data, uint32_t milliseconds \
    ) \
    /* Connections and processes of a GPU. */ \
    OPTIONAL(DeviceGetNvLinkState, gpa_nvml_device_t _Nonnull, uint32_t link, uint32_t *_Nonnull active) \
    OPTIONAL(DeviceGetNvLinkVersion, gpa_nvml_device_t _Nonnull, uint32_t link, uint32_t *_Nonnull version) \
    /* What is at the other end of a link: a type (GPA_NVML_LINK_END_*), and the address of a GPU. */ \
    OPTIONAL(DeviceGetNvLinkRemoteDeviceType, gpa_nvml_device_t _Nonnull, uint32_t link, uint32_t *_Nonnull type) \
    OPTIONAL( \
        DeviceGetNvLinkRemotePciInfo_v2, gpa_nvml_device_t _Nonnull, uint32_t link, gpa_nvml_pci_info_t *_Nonnull \
    ) \
    /* The newest first: not in 535, not in 470. */ \
    OPTIONAL(DeviceGetGpuFabricInfoV, gpa_nvml_device_t _Nonnull, gpa_nvml_fabric_info_v3_t *_Nonnull) \
    OPTIONAL(DeviceGetGpuFabricInfo, gpa_nvml_device_t _Nonnull, gpa_nvml_fabric_info_t *_Nonnull) \
    /* _v3 is not in 470, where _v2 takes the same struct. */ \
    OPTIONAL( \
        DeviceGetComputeRunningProcesses_v3, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull count, \
        gpa_nvml_process_info_t *_Nullable \
    ) \
    OPTIONAL( \
        DeviceGetComputeRunningProcesses_v2, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull count, \
        gpa_nvml_process_info_t *_Nullable \
    ) \
    OPTIONAL( \
        DeviceGetGraphicsRunningProcesses_v3, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull count, \
        gpa_nvml_process_info_t *_Nullable \
    ) \
    OPTIONAL( \
        DeviceGetGraphicsRunningProcesses_v2, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull count, \
        gpa_nvml_process_info_t *_Nullable \
    ) \
    /* Traits of a GPU: a driver without the function has no such trait. */ \
    OPTIONAL(DeviceGetSerial, gpa_nvml_device_t _Nonnull, char *_Nonnull serial, uint32_t length) \
    OPTIONAL(DeviceGetVbiosVersion, gpa_nvml_device_t _Nonnull, char *_Nonnull version, uint32_t length) \
    OPTIONAL(DeviceGetInforomImageVersion, gpa_nvml_device_t _Nonnull, char *_Nonnull version, uint32_t length) \
    OPTIONAL(DeviceGetBoardPartNumber, gpa_nvml_device_t _Nonnull, char *_Nonnull number, uint32_t length) \
    OPTIONAL(DeviceGetBoardId, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull id) \
    OPTIONAL(DeviceGetMinorNumber, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull number) \
    OPTIONAL(DeviceGetArchitecture, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull architecture) \
    OPTIONAL(DeviceGetBrand, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull brand) \
    OPTIONAL(DeviceGetComputeMode, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull mode) \
    OPTIONAL(DeviceGetBAR1MemoryInfo, gpa_nvml_device_t _Nonnull, gpa_nvml_bar1_memory_t *_Nonnull) \
    OPTIONAL(DeviceGetFieldValues, gpa_nvml_device_t _Nonnull, int32_t count, gpa_nvml_field_value_t *_Nonnull) \
    OPTIONAL(DeviceGetTemperature, gpa_nvml_device_t _Nonnull, int32_t sensor, uint32_t *_Nonnull temperature) \
    OPTIONAL( \
        DeviceGetTemperatureThreshold, gpa_nvml_device_t _Nonnull, int32_t threshold, uint32_t *_Nonnull temperature \
    ) \
    OPTIONAL(DeviceGetPowerUsage, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull milliwatts) \
    OPTIONAL(DeviceGetEnforcedPowerLimit, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull milliwatts) \
    OPTIONAL(DeviceGetUtilizationRates, gpa_nvml_device_t _Nonnull, gpa_nvml_utilization_t *_Nonnull) \
    OPTIONAL(DeviceGetClockInfo, gpa_nvml_device_t _Nonnull, int32_t clock, uint32_t *_Nonnull megahertz) \
    OPTIONAL(DeviceGetMaxClockInfo, gpa_nvml_device_t _Nonnull, int32_t clock, uint32_t *_Nonnull megahertz) \
    OPTIONAL(DeviceGetPerformanceState, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull state) \
    OPTIONAL(DeviceGetCurrPcieLinkGeneration, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull generation) \
    OPTIONAL(DeviceGetCurrPcieLinkWidth, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull width) \
    OPTIONAL(DeviceGetMaxPcieLinkGeneration, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull generation) \
    OPTIONAL(DeviceGetMaxPcieLinkWidth, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull width) \
    /* The old name of ClocksEventReasons. */ \
    OPTIONAL(DeviceGetCurrentClocksThrottleReasons, gpa_nvml_device_t _Nonnull, uint64_t *_Nonnull reasons) \
    /* Not in 470. */ \
    OPTIONAL(DeviceGetCurrentClocksEventReasons, gpa_nvml_device_t _Nonnull, uint64_t *_Nonnull reasons) \
    OPTIONAL(DeviceGetSramEccErrorStatus, gpa_nvml_device_t _Nonnull, gpa_nvml_ecc_sram_t *_Nonnull) \
    OPTIONAL(DeviceGetModuleId, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull id) \
    OPTIONAL( \
        DeviceGetGspFirmwareMode, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull enabled, uint32_t *_Nonnull normal \
    ) \
    /* Not in 535. */ \
    OPTIONAL(DeviceGetNumaNodeId, gpa_nvml_device_t _Nonnull, uint32_t *_Nonnull node) \
    /* Not in 550. */ \
    OPTIONAL(DeviceGetTemperatureV, gpa_nvml_device_t _Nonnull, gpa_nvml_temperature_t *_Nonnull) \
    /* Not in the header of 12.9. */ \
    OPTIONAL(DeviceGetRepairStatus, gpa_nvml_device_t _Nonnull, gpa_nvml_repair_status_t *_Nonnull) \
    OPTIONAL(DeviceGetAddressingMode, gpa_nvml_device_t _Nonnull, gpa_nvml_addressing_mode_t *_Nonnull) \
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
