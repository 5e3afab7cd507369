// The functions of NVML about GPU instances and compute instances. Only a process with the right to configure MIG may call
// most of them; a `fault` line takes the right away. Part of libnvidia-ml.c.

#ifndef GPU_SIM_NVML_MIG_H
#define GPU_SIM_NVML_MIG_H

typedef struct gpu_instance *nvmlGpuInstance_t;
typedef struct compute_instance *nvmlComputeInstance_t;

typedef struct {
    unsigned int start, size;
} nvmlPlacement_t;

typedef struct {
    nvmlDevice_t device;
    unsigned int id, profileId;
    nvmlPlacement_t placement;
} nvmlGpuInstanceInfo_t;

typedef struct {
    nvmlDevice_t device;
    nvmlGpuInstance_t gpuInstance;
    unsigned int id, profileId;
    nvmlPlacement_t placement;
} nvmlComputeInstanceInfo_t;

// An instance is the first MIG device in it.
static const struct sim_mig *instance_of(const void *handle) {
    for (int at = 0; at < sim.mig_count; at++) {
        if (handle == (const void *)&sim.migs[at]) return &sim.migs[at];
    }
    return NULL;
}

NVML(nvmlDeviceGetGpuInstanceById, nvmlDevice_t device, unsigned int id, nvmlGpuInstance_t *instance) {
    ENTER_DEVICE(device, instance);
    const struct sim_gpu *gpu = gpu_of(device);
    if (gpu == NULL) return INVALID_ARGUMENT;
    for (int at = 0; at < sim.mig_count; at++) {
        if (sim.migs[at].gpu != gpu->number || sim.migs[at].gi != id) continue;
        *instance = (nvmlGpuInstance_t)(void *)&sim.migs[at];
        return OK;
    }
    return NOT_FOUND;
}

NVML(nvmlGpuInstanceGetInfo, nvmlGpuInstance_t instance, nvmlGpuInstanceInfo_t *info) {
    ENTER_NODE(info, sizeof *info, NULL, 0);
    const struct sim_mig *mig = instance_of(instance);
    if (mig == NULL || info == NULL) return INVALID_ARGUMENT;
    *info = (nvmlGpuInstanceInfo_t){
        .device = (nvmlDevice_t)(void *)&sim.gpus[mig->gpu],
        .id = mig->gi,
        .profileId = mig->profile_id,
        .placement = {mig->start, mig->size},
    };
    return OK;
}

NVML(
    nvmlGpuInstanceGetComputeInstanceById, nvmlGpuInstance_t instance, unsigned int id,
    nvmlComputeInstance_t *compute_instance
) {
    ENTER_NODE(compute_instance, sizeof *compute_instance, NULL, 0);
    const struct sim_mig *mig = instance_of(instance);
    if (mig == NULL || compute_instance == NULL) return INVALID_ARGUMENT;
    for (int at = 0; at < sim.mig_count; at++) {
        const struct sim_mig *other = &sim.migs[at];
        if (other->gpu != mig->gpu || other->gi != mig->gi || other->ci != id) continue;
        *compute_instance = (nvmlComputeInstance_t)(void *)other;
        return OK;
    }
    return NOT_FOUND;
}

NVML(nvmlComputeInstanceGetInfo_v2, nvmlComputeInstance_t instance, nvmlComputeInstanceInfo_t *info) {
    ENTER_NODE(info, sizeof *info, NULL, 0);
    const struct sim_mig *mig = instance_of(instance);
    if (mig == NULL || info == NULL) return INVALID_ARGUMENT;
    *info = (nvmlComputeInstanceInfo_t){
        .device = (nvmlDevice_t)(void *)&sim.gpus[mig->gpu],
        .id = mig->ci,
        .profileId = mig->ci_profile_id,
        .placement = {mig->ci_start, mig->ci_size},
    };
    return OK;
}

// A number that no GPU uses is not valid, and one that this GPU does not have is not supported. Then the answer is null.
static const struct sim_profile *numbered_profile(nvmlDevice_t device, unsigned int number, nvmlReturn_t *result) {
    const struct sim_gpu *gpu = gpu_of(device);
    *result = gpu == NULL || number >= 0x11 ? INVALID_ARGUMENT : NOT_SUPPORTED;
    for (int at = 0; gpu != NULL && at < sim.profile_count; at++) {
        const struct sim_profile *profile = &sim.profiles[at];
        if (profile->gpu == gpu->number && profile->number == (int)number) return profile;
    }
    return NULL;
}

// What both versions of the struct have.
#define FILL_PROFILE(info, profile)                      \
    do {                                                 \
        (info)->id = (profile)->id;                      \
        (info)->sliceCount = (profile)->slices;          \
        (info)->instanceCount = (profile)->instances;    \
        (info)->multiprocessorCount = (profile)->sm;     \
        (info)->memorySizeMB = (profile)->memory_mib;    \
        (info)->decoderCount = (profile)->decoders;      \
        (info)->encoderCount = (profile)->encoders;      \
        (info)->jpegCount = (profile)->jpeg;             \
        (info)->ofaCount = (profile)->ofa;               \
    } while (0)

typedef struct {
    unsigned int id, isP2pSupported, sliceCount, instanceCount, multiprocessorCount, copyEngineCount;
    unsigned int decoderCount, encoderCount, jpegCount, ofaCount;
    unsigned long long memorySizeMB;
} nvmlGpuInstanceProfileInfo_t;

NVML(
    nvmlDeviceGetGpuInstanceProfileInfo, nvmlDevice_t device, unsigned int number, nvmlGpuInstanceProfileInfo_t *info
) {
    ENTER_DEVICE(device, info);
    nvmlReturn_t result;
    const struct sim_profile *profile = numbered_profile(device, number, &result);
    if (profile == NULL) return result;
    FILL_PROFILE(info, profile);
    return OK;
}

#if STANDIN_BRANCH >= 510
typedef struct {
    unsigned int version, id, isP2pSupported, sliceCount, instanceCount, multiprocessorCount, copyEngineCount;
    unsigned int decoderCount, encoderCount, jpegCount, ofaCount;
    unsigned long long memorySizeMB;
    char name[96];
} nvmlGpuInstanceProfileInfo_v2_t;

NVML(
    nvmlDeviceGetGpuInstanceProfileInfoV, nvmlDevice_t device, unsigned int number,
    nvmlGpuInstanceProfileInfo_v2_t *info
) {
    ENTER_DEVICE(device, info);
    nvmlReturn_t result;
    const struct sim_profile *profile = numbered_profile(device, number, &result);
    if (profile == NULL && result == INVALID_ARGUMENT) return result;
    if (info->version != (2u << 24 | sizeof *info)) return ARGUMENT_VERSION_MISMATCH;
    if (profile == NULL) return result;
    FILL_PROFILE(info, profile);
    snprintf(info->name, sizeof info->name, "MIG %.90s", profile->name);
    return OK;
}
#endif

#endif
