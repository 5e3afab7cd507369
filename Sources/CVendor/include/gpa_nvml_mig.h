// The types of NVML for MIG: our own declarations, with the layouts of NVIDIA's header.

#ifndef GPA_NVML_MIG_H
#define GPA_NVML_MIG_H

#include "gpa_nvml_types.h"
#include <stdint.h>

// A GPU instance and a compute instance: the two levels of MIG.
typedef struct gpa_nvml_gpu_instance *gpa_nvml_gpu_instance_t;
typedef struct gpa_nvml_compute_instance *gpa_nvml_compute_instance_t;

typedef struct {
    uint32_t start;
    uint32_t size;
} gpa_nvml_placement_t;

typedef struct {
    gpa_nvml_device_t _Nullable device;
    uint32_t id;
    uint32_t profile_id;
    gpa_nvml_placement_t placement;
} gpa_nvml_gpu_instance_info_t;

typedef struct {
    gpa_nvml_device_t _Nullable device;
    gpa_nvml_gpu_instance_t _Nullable gpu_instance;
    uint32_t id;
    uint32_t profile_id;
    gpa_nvml_placement_t placement;
} gpa_nvml_compute_instance_info_t;

// `version` must be GPA_NVML_GPU_INSTANCE_PROFILE_VERSION before the call. Version 3 has another order of members.
typedef struct {
    uint32_t version;
    uint32_t id;
    uint32_t is_p2p_supported;
    uint32_t slice_count;
    uint32_t instance_count;
    uint32_t multiprocessor_count;
    uint32_t copy_engine_count;
    uint32_t decoder_count;
    uint32_t encoder_count;
    uint32_t jpeg_count;
    uint32_t ofa_count;
    uint64_t memory_size_mib;
    char name[96];
} gpa_nvml_gpu_instance_profile_t;

static const uint32_t GPA_NVML_GPU_INSTANCE_PROFILE_VERSION =
    2u << 24 | (uint32_t)sizeof(gpa_nvml_gpu_instance_profile_t);

// The same without a version and without a name, which is all that 470 knows.
typedef struct {
    uint32_t id;
    uint32_t is_p2p_supported;
    uint32_t slice_count;
    uint32_t instance_count;
    uint32_t multiprocessor_count;
    uint32_t copy_engine_count;
    uint32_t decoder_count;
    uint32_t encoder_count;
    uint32_t jpeg_count;
    uint32_t ofa_count;
    uint64_t memory_size_mib;
} gpa_nvml_gpu_instance_profile_v1_t;

// What a GPU instance can have as a compute instance, with engines that its compute instances share.
typedef struct {
    uint32_t id;
    uint32_t slice_count;
    uint32_t instance_count;
    uint32_t multiprocessor_count;
    uint32_t shared_copy_engine_count;
    uint32_t shared_decoder_count;
    uint32_t shared_encoder_count;
    uint32_t shared_jpeg_count;
    uint32_t shared_ofa_count;
} gpa_nvml_compute_instance_profile_t;

#endif
