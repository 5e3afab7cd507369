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
            theirs: "nvmlGpuInstanceProfileInfo_t",
            ours: "gpa_nvml_gpu_instance_profile_v1_t",
            members: [
                ("id", "id"), ("isP2pSupported", "is_p2p_supported"), ("sliceCount", "slice_count"),
                ("instanceCount", "instance_count"), ("multiprocessorCount", "multiprocessor_count"),
                ("copyEngineCount", "copy_engine_count"), ("decoderCount", "decoder_count"),
                ("encoderCount", "encoder_count"), ("jpegCount", "jpeg_count"), ("ofaCount", "ofa_count"),
                ("memorySizeMB", "memory_size_mib"),
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
}
