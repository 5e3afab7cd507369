/// A struct of NVIDIA's header and this project's declaration of it, with the names of the members in both.
struct HeaderLayout {
    var theirs: String
    var ours: String
    var members: [(theirs: String, ours: String)]

    static let all = [
        HeaderLayout(
            theirs: "nvmlPciInfo_t",
            ours: "gpa_nvml_pci_info_t",
            members: [
                ("busIdLegacy", "bus_id_legacy"), ("domain", "domain"), ("bus", "bus"),
                ("device", "device"),
                ("pciDeviceId", "pci_device_id"), ("pciSubSystemId", "pci_subsystem_id"),
                ("busId", "bus_id"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlMemory_t",
            ours: "gpa_nvml_memory_t",
            members: [("total", "total"), ("free", "free"), ("used", "used")]
        ),
        HeaderLayout(
            theirs: "nvmlMemory_v2_t",
            ours: "gpa_nvml_memory_v2_t",
            members: [
                ("version", "version"), ("total", "total"), ("reserved", "reserved"), ("free", "free"),
                ("used", "used"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlBAR1Memory_t",
            ours: "gpa_nvml_bar1_memory_t",
            members: [("bar1Total", "total"), ("bar1Free", "free"), ("bar1Used", "used")]
        ),
        HeaderLayout(
            theirs: "nvmlFieldValue_t",
            ours: "gpa_nvml_field_value_t",
            members: [
                ("fieldId", "field_id"), ("scopeId", "scope_id"), ("timestamp", "timestamp"),
                ("latencyUsec", "latency_us"), ("valueType", "value_type"), ("nvmlReturn", "result"),
                ("value", "value"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlEccSramErrorStatus_v1_t",
            ours: "gpa_nvml_ecc_sram_t",
            members: [
                ("version", "version"), ("aggregateUncParity", "aggregate_uncorrected_parity"),
                ("aggregateUncSecDed", "aggregate_uncorrected_secded"),
                ("aggregateCor", "aggregate_corrected"),
                ("volatileUncParity", "volatile_uncorrected_parity"),
                ("volatileUncSecDed", "volatile_uncorrected_secded"), ("volatileCor", "volatile_corrected"),
                ("aggregateUncBucketL2", "aggregate_l2"), ("aggregateUncBucketSm", "aggregate_sm"),
                ("aggregateUncBucketPcie", "aggregate_pcie"), ("aggregateUncBucketMcu", "aggregate_mcu"),
                ("aggregateUncBucketOther", "aggregate_other"),
                ("bThresholdExceeded", "threshold_exceeded"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlRepairStatus_v1_t",
            ours: "gpa_nvml_repair_status_t",
            members: [
                ("version", "version"), ("bChannelRepairPending", "channel_repair_pending"),
                ("bTpcRepairPending", "tpc_repair_pending"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlTemperature_v1_t",
            ours: "gpa_nvml_temperature_t",
            members: [("version", "version"), ("sensorType", "sensor"), ("temperature", "temperature")]
        ),
        HeaderLayout(
            theirs: "nvmlUtilization_t",
            ours: "gpa_nvml_utilization_t",
            members: [("gpu", "gpu"), ("memory", "memory")]
        ),
        HeaderLayout(
            theirs: "nvmlGpuFabricInfo_t",
            ours: "gpa_nvml_fabric_info_t",
            members: [
                ("clusterUuid", "cluster_uuid"), ("status", "status"), ("cliqueId", "clique_id"),
                ("state", "state"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlGpuFabricInfo_v3_t",
            ours: "gpa_nvml_fabric_info_v3_t",
            members: [
                ("version", "version"), ("clusterUuid", "cluster_uuid"), ("status", "status"),
                ("cliqueId", "clique_id"), ("state", "state"), ("healthMask", "health_mask"),
                ("healthSummary", "health_summary"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlGpuInstancePlacement_t",
            ours: "gpa_nvml_placement_t",
            members: [("start", "start"), ("size", "size")]
        ),
        HeaderLayout(
            theirs: "nvmlGpuInstanceInfo_t",
            ours: "gpa_nvml_gpu_instance_info_t",
            members: [
                ("device", "device"), ("id", "id"), ("profileId", "profile_id"), ("placement", "placement"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlComputeInstanceInfo_t",
            ours: "gpa_nvml_compute_instance_info_t",
            members: [
                ("device", "device"), ("gpuInstance", "gpu_instance"), ("id", "id"),
                ("profileId", "profile_id"),
                ("placement", "placement"), ("placement.start", "placement.start"),
                ("placement.size", "placement.size"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlComputeInstanceProfileInfo_t",
            ours: "gpa_nvml_compute_instance_profile_t",
            members: [
                ("id", "id"), ("sliceCount", "slice_count"), ("instanceCount", "instance_count"),
                ("multiprocessorCount", "multiprocessor_count"),
                ("sharedCopyEngineCount", "shared_copy_engine_count"),
                ("sharedDecoderCount", "shared_decoder_count"), ("sharedEncoderCount", "shared_encoder_count"),
                ("sharedJpegCount", "shared_jpeg_count"), ("sharedOfaCount", "shared_ofa_count"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlGpuInstanceProfileInfo_v2_t",
            ours: "gpa_nvml_gpu_instance_profile_t",
            members: [
                ("version", "version"), ("id", "id"), ("isP2pSupported", "is_p2p_supported"),
                ("sliceCount", "slice_count"), ("instanceCount", "instance_count"),
                ("multiprocessorCount", "multiprocessor_count"), ("copyEngineCount", "copy_engine_count"),
                ("decoderCount", "decoder_count"), ("encoderCount", "encoder_count"),
                ("jpegCount", "jpeg_count"),
                ("ofaCount", "ofa_count"), ("memorySizeMB", "memory_size_mib"), ("name", "name"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlProcessInfo_v2_t",
            ours: "gpa_nvml_process_info_t",
            members: [
                ("pid", "pid"), ("usedGpuMemory", "used_memory"), ("gpuInstanceId", "gpu_instance_id"),
                ("computeInstanceId", "compute_instance_id"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlConfComputeSystemState_t",
            ours: "gpa_nvml_conf_compute_state_t",
            members: [
                ("environment", "environment"), ("ccFeature", "feature"),
                ("devToolsMode", "developer_tools"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlSystemConfComputeSettings_v1_t",
            ours: "gpa_nvml_conf_compute_settings_t",
            members: [
                ("version", "version"), ("environment", "environment"), ("ccFeature", "feature"),
                ("devToolsMode", "developer_tools"), ("multiGpuMode", "multi_gpu"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlEventData_t",
            ours: "gpa_nvml_event_data_t",
            members: [
                ("device", "device"), ("eventType", "type"), ("eventData", "data"),
                ("gpuInstanceId", "gpu_instance"), ("computeInstanceId", "compute_instance"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlSystemDriverBranchInfo_v1_t",
            ours: "gpa_nvml_driver_branch_t",
            members: [("version", "version"), ("branch", "branch")]
        ),
        HeaderLayout(
            theirs: "nvmlDeviceAddressingMode_v1_t",
            ours: "gpa_nvml_addressing_mode_t",
            members: [("version", "version"), ("value", "value")]
        ),
        HeaderLayout(
            theirs: "nvmlDeviceAttributes_t",
            ours: "gpa_nvml_device_attributes_t",
            members: [
                ("multiprocessorCount", "multiprocessor_count"),
                ("sharedCopyEngineCount", "shared_copy_engine_count"),
                ("sharedDecoderCount", "shared_decoder_count"),
                ("sharedEncoderCount", "shared_encoder_count"),
                ("sharedJpegCount", "shared_jpeg_count"), ("sharedOfaCount", "shared_ofa_count"),
                ("gpuInstanceSliceCount", "gpu_instance_slice_count"),
                ("computeInstanceSliceCount", "compute_instance_slice_count"),
                ("memorySizeMB", "memory_size_mib"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlGridLicenseExpiry_t",
            ours: "gpa_nvml_grid_license_expiry_t",
            members: [
                ("year", "year"), ("month", "month"), ("day", "day"), ("hour", "hour"), ("min", "minute"),
                ("sec", "second"), ("status", "status"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlGridLicensableFeature_t",
            ours: "gpa_nvml_grid_licensable_feature_t",
            members: [
                ("featureCode", "feature_code"), ("featureState", "feature_state"),
                ("licenseInfo", "license_info"),
                ("productName", "product_name"), ("featureEnabled", "feature_enabled"),
                ("licenseExpiry", "license_expiry"),
            ]
        ),
        HeaderLayout(
            theirs: "nvmlGridLicensableFeatures_t",
            ours: "gpa_nvml_grid_licensable_features_t",
            members: [
                ("isGridLicenseSupported", "is_grid_license_supported"),
                ("licensableFeaturesCount", "licensable_features_count"),
                ("gridLicensableFeatures", "grid_licensable_features"),
            ]
        ),
    ]

    /// The constants in both headers, and the values of the virtualization modes in the order of the agent's
    /// enumeration.
    static let constants = [
        ("nvmlMemory_v2", "GPA_NVML_MEMORY_V2_VERSION"),
        ("NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE", "GPA_NVML_VERSION_SIZE"),
        ("NVML_SYSTEM_NVML_VERSION_BUFFER_SIZE", "GPA_NVML_VERSION_SIZE"),
        ("NVML_DEVICE_NAME_V2_BUFFER_SIZE", "GPA_NVML_NAME_SIZE"),
        ("NVML_DEVICE_UUID_V2_BUFFER_SIZE", "GPA_NVML_UUID_SIZE"),
        ("NVML_GSP_FIRMWARE_VERSION_BUF_SIZE", "GPA_NVML_GSP_FIRMWARE_VERSION_SIZE"),
        ("NVML_DEVICE_SERIAL_BUFFER_SIZE", "GPA_NVML_SERIAL_SIZE"),
        ("NVML_DEVICE_VBIOS_VERSION_BUFFER_SIZE", "GPA_NVML_VBIOS_VERSION_SIZE"),
        ("NVML_DEVICE_INFOROM_VERSION_BUFFER_SIZE", "GPA_NVML_INFOROM_VERSION_SIZE"),
        ("NVML_DEVICE_PART_NUMBER_BUFFER_SIZE", "GPA_NVML_PART_NUMBER_SIZE"),
        ("nvmlSystemDriverBranchInfo_v1", "GPA_NVML_DRIVER_BRANCH_VERSION"),
        ("nvmlDeviceAddressingMode_v1", "GPA_NVML_ADDRESSING_MODE_VERSION"),
        ("nvmlEccSramErrorStatus_v1", "GPA_NVML_ECC_SRAM_VERSION"),
        ("nvmlRepairStatus_v1", "GPA_NVML_REPAIR_STATUS_VERSION"),
        ("nvmlTemperature_v1", "GPA_NVML_TEMPERATURE_VERSION"),
        ("NVML_FI_DEV_ECC_SBE_VOL_TOTAL", "GPA_NVML_FIELD_ECC_CORRECTED"),
        ("NVML_FI_DEV_ECC_DBE_VOL_TOTAL", "GPA_NVML_FIELD_ECC_UNCORRECTED"),
        ("NVML_FI_DEV_ECC_SBE_AGG_TOTAL", "GPA_NVML_FIELD_ECC_CORRECTED_EVER"),
        ("NVML_FI_DEV_ECC_DBE_AGG_TOTAL", "GPA_NVML_FIELD_ECC_UNCORRECTED_EVER"),
        ("NVML_FI_DEV_RETIRED_SBE", "GPA_NVML_FIELD_RETIRED_SINGLE_BIT"),
        ("NVML_FI_DEV_RETIRED_DBE", "GPA_NVML_FIELD_RETIRED_DOUBLE_BIT"),
        ("NVML_FI_DEV_RETIRED_PENDING", "GPA_NVML_FIELD_RETIRED_PENDING"),
        ("NVML_FI_DEV_MEMORY_TEMP", "GPA_NVML_FIELD_MEMORY_TEMPERATURE"),
        ("NVML_FI_DEV_PCIE_REPLAY_COUNTER", "GPA_NVML_FIELD_PCIE_REPLAYS"),
        ("NVML_FI_DEV_REMAPPED_COR", "GPA_NVML_FIELD_REMAPPED_CORRECTABLE"),
        ("NVML_FI_DEV_REMAPPED_UNC", "GPA_NVML_FIELD_REMAPPED_UNCORRECTABLE"),
        ("NVML_FI_DEV_REMAPPED_PENDING", "GPA_NVML_FIELD_REMAPPED_PENDING"),
        ("NVML_FI_DEV_REMAPPED_FAILURE", "GPA_NVML_FIELD_REMAPPED_FAILED"),
        ("NVML_FI_DEV_GET_GPU_RECOVERY_ACTION", "GPA_NVML_FIELD_RECOVERY_ACTION"),
        ("nvmlGpuInstanceProfileInfo_v2", "GPA_NVML_GPU_INSTANCE_PROFILE_VERSION"),
        ("nvmlGpuFabricInfo_v2", "GPA_NVML_FABRIC_INFO_V2_VERSION"),
        ("nvmlGpuFabricInfo_v3", "GPA_NVML_FABRIC_INFO_V3_VERSION"),
        ("nvmlSystemConfComputeSettings_v1", "GPA_NVML_CONF_COMPUTE_SETTINGS_VERSION"),
        ("nvmlEventTypeXidCriticalError", "GPA_NVML_EVENT_XID"), ("nvmlEventMigConfigChange", "GPA_NVML_EVENT_MIG"),
        ("NVML_ERROR_TIMEOUT", "10"), ("sizeof(nvmlEventSet_t)", "sizeof(gpa_nvml_event_set_t)"),
        ("NVML_GPU_FABRIC_STATE_COMPLETED", "3"), ("NVML_GPU_RECOVERY_ACTION_DRAIN_AND_RESET", "4"),
        ("NVML_TEMPERATURE_THRESHOLD_SHUTDOWN", "0"), ("NVML_TEMPERATURE_THRESHOLD_SLOWDOWN", "1"),
        ("NVML_TEMPERATURE_GPU", "0"), ("NVML_CLOCK_GRAPHICS", "0"), ("NVML_CLOCK_SM", "1"),
        ("NVML_CLOCK_MEM", "2"),
        ("NVML_CLOCK_VIDEO", "3"), ("NVML_VALUE_TYPE_DOUBLE", "0"),
        ("NVML_VALUE_TYPE_UNSIGNED_INT", "1"),
        ("NVML_VALUE_TYPE_UNSIGNED_LONG", "2"), ("NVML_VALUE_TYPE_UNSIGNED_LONG_LONG", "3"),
        ("NVML_VALUE_TYPE_SIGNED_LONG_LONG", "4"), ("NVML_VALUE_TYPE_SIGNED_INT", "5"),
        ("NVML_VALUE_TYPE_UNSIGNED_SHORT", "6"), ("nvmlClocksEventReasonDisplayClockSetting", "1 << 8"),
        ("NVML_SUCCESS", "0"), ("sizeof(nvmlReturn_t)", "sizeof(gpa_nvml_return_t)"),
        ("sizeof(nvmlDevice_t)", "sizeof(gpa_nvml_device_t)"),
        ("NVML_GPU_VIRTUALIZATION_MODE_NONE", "0"), ("NVML_GPU_VIRTUALIZATION_MODE_PASSTHROUGH", "1"),
        ("NVML_GPU_VIRTUALIZATION_MODE_VGPU", "2"), ("NVML_GPU_VIRTUALIZATION_MODE_HOST_VGPU", "3"),
        ("NVML_GPU_VIRTUALIZATION_MODE_HOST_VSGA", "4"),
    ]

    /// The names of types that are not structs, and the ones of their versions that NVIDIA's functions take.
    ///
    /// Another type of NVIDIA's is an enumeration, which has the size of `int`.
    static let typeNames = [
        "nvmlDevice_t": "device", "gpa_nvml_device_t": "device",
        "nvmlGpuInstance_t": "GPU instance", "gpa_nvml_gpu_instance_t": "GPU instance",
        "nvmlComputeInstance_t": "compute instance", "gpa_nvml_compute_instance_t": "compute instance",
        "nvmlEventSet_t": "event set", "gpa_nvml_event_set_t": "event set",
        "uint32_t": "int", "int32_t": "int",
        "uint64_t": "long", "nvmlSystemDriverBranchInfo_t": "gpa_nvml_driver_branch_t",
        "nvmlDeviceAddressingMode_t": "gpa_nvml_addressing_mode_t",
        "nvmlEccSramErrorStatus_t": "gpa_nvml_ecc_sram_t",
        "nvmlRepairStatus_t": "gpa_nvml_repair_status_t",
        "nvmlTemperature_t": "gpa_nvml_temperature_t",
        "nvmlGpuFabricInfoV_t": "gpa_nvml_fabric_info_v3_t",
        "nvmlProcessInfo_t": "gpa_nvml_process_info_t",
        "nvmlSystemConfComputeSettings_t": "gpa_nvml_conf_compute_settings_t",
    ]
}
