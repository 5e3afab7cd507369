// The functions of NVML that list and change the MIG layout of a GPU. What they change is in the file `mig-layout`
// (README.md), so it outlives the process. Part of libnvidia-ml.c.

#ifndef GPU_SIM_NVML_MIG_CHANGE_H
#define GPU_SIM_NVML_MIG_CHANGE_H

typedef struct {
    unsigned int id, sliceCount, instanceCount, multiprocessorCount, sharedCopyEngineCount, sharedDecoderCount;
    unsigned int sharedEncoderCount, sharedJpegCount, sharedOfaCount;
} nvmlComputeInstanceProfileInfo_t;

// Writes the modes and the MIG devices of all GPUs.
static nvmlReturn_t save_layout(void) {
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/etc/gpu-sim/mig-layout", sim_host);
    FILE *file = fopen(path, "we");
    if (file == NULL) return UNKNOWN;
    for (int at = 0; at < sim.gpu_count; at++) {
        fprintf(file, "mode %d %d %d\n", at, sim.gpus[at].mig, sim.gpus[at].pending_mig);
    }
    for (int at = 0; at < sim.mig_count; at++) {
        const struct sim_mig *mig = &sim.migs[at];
        if (mig->gpu < 0) continue;
        fprintf(
            file,
            "mig %d uuid=%s profile=%s memoryMiB=%llu index=%d gi=%u ci=%u profileId=%u start=%u size=%u "
            "ciProfileId=%u ciStart=%u ciSize=%u sm=%u giSlices=%u ciSlices=%u\n",
            mig->gpu, mig->uuid, mig->profile, mig->memory_mib, mig->index, mig->gi, mig->ci, mig->profile_id,
            mig->start, mig->size, mig->ci_profile_id, mig->ci_start, mig->ci_size, mig->sm, mig->gi_slices,
            mig->ci_slices
        );
    }
    return fclose(file) == 0 ? OK : UNKNOWN;
}

static const struct sim_profile *profile_of(int gpu, unsigned id) {
    for (int at = 0; at < sim.profile_count; at++) {
        if (sim.profiles[at].gpu == gpu && sim.profiles[at].id == id) return &sim.profiles[at];
    }
    return NULL;
}

// Why a process may not change the instances of a GPU: in a vGPU, only its host may.
static nvmlReturn_t refusal(const struct sim_gpu *gpu) {
    if (gpu == NULL) return INVALID_ARGUMENT;
    if (gpu->virtualization == 2) return NOT_SUPPORTED;
    return gpu->mig > 0 ? OK : NOT_SUPPORTED;
}

static bool is_used(const struct sim_mig *mig, bool whole) {
    for (int at = 0; at < sim.process_count; at++) {
        const struct sim_process *process = &sim.processes[at];
        if (process->gpu == mig->gpu && process->gi == mig->gi && (whole || process->ci == mig->ci)) return true;
    }
    return false;
}

// Whether a slot is the first of its GPU instance.
static bool is_first(int at) {
    for (int other = 0; other < at; other++) {
        if (sim.migs[other].gpu == sim.migs[at].gpu && sim.migs[other].gi == sim.migs[at].gi) return false;
    }
    return sim.migs[at].gpu >= 0;
}

// The places of a profile: how many, and the starts and the size.
static unsigned places_of(const struct sim_profile *profile, nvmlPlacement_t *places, unsigned room) {
    const char *colon = strchr(profile->places, ':'), *at = profile->places;
    unsigned size = colon == NULL ? 0 : (unsigned)strtoul(colon + 1, NULL, 10), count = 0;
    while (size > 0 && at != NULL && at < colon) {
        if (places != NULL && count < room) places[count] = (nvmlPlacement_t){(unsigned)strtoul(at, NULL, 10), size};
        count++;
        at = strchr(at, ',');
        if (at != NULL) at++;
    }
    return count;
}

NVML(
    nvmlDeviceGetGpuInstancePossiblePlacements_v2, nvmlDevice_t device, unsigned int id, nvmlPlacement_t *places,
    unsigned int *count
) {
    size_t room = count == NULL || places == NULL ? 0 : *count;
    ENTER_DEVICE_WITH(device, count, sizeof *count, places, room * sizeof *places);
    const struct sim_gpu *gpu = gpu_of(device);
    if (gpu == NULL) return INVALID_ARGUMENT;
    if (gpu->virtualization == 2) return NO_PERMISSION;
    if (gpu->mig <= 0) return NOT_SUPPORTED;
    const struct sim_profile *profile = profile_of(gpu->number, id);
    if (profile == NULL) return INVALID_ARGUMENT;
    *count = sim_count(__func__, places_of(profile, places, 64));
    return OK;
}

NVML(
    nvmlDeviceGetGpuInstances, nvmlDevice_t device, unsigned int id, nvmlGpuInstance_t *instances,
    unsigned int *count
) {
    // The caller has room for all instances of the profile: at least one.
    ENTER_DEVICE_WITH(device, count, sizeof *count, instances, sizeof *instances);
    const struct sim_gpu *gpu = gpu_of(device);
    if (gpu == NULL || instances == NULL) return INVALID_ARGUMENT;
    if (gpu->virtualization == 2) return NO_PERMISSION;
    if (gpu->mig <= 0) return NOT_SUPPORTED;
    unsigned found = 0;
    for (int at = 0; at < sim.mig_count; at++) {
        if (sim.migs[at].gpu != gpu->number || sim.migs[at].profile_id != id || !is_first(at)) continue;
        instances[found++] = (nvmlGpuInstance_t)(void *)&sim.migs[at];
    }
    *count = sim_count(__func__, found);
    return OK;
}

// The slices of NVIDIA's numbers of compute instances.
static const unsigned compute_slices[] = {1, 2, 3, 4, 7, 8, 6, 1};

// A GPU instance with media extensions has the number 7 in place of 0.
NVML(
    nvmlGpuInstanceGetComputeInstanceProfileInfo, nvmlGpuInstance_t instance, unsigned int number,
    unsigned int engines, nvmlComputeInstanceProfileInfo_t *info
) {
    ENTER_NODE(info, sizeof *info, NULL, 0);
    const struct sim_mig *mig = instance_of(instance);
    if (mig == NULL || info == NULL || number > 8 || engines != 0) return INVALID_ARGUMENT;
    const struct sim_profile *profile = profile_of(mig->gpu, mig->profile_id);
    if (profile == NULL || number == 8 || compute_slices[number] > profile->slices) return NOT_SUPPORTED;
    bool has_media = strstr(profile->name, "+me") != NULL && profile->slices == 1;
    if ((number == 7) != has_media && compute_slices[number] == 1) return NOT_SUPPORTED;
    *info = (nvmlComputeInstanceProfileInfo_t){
        .id = number,
        .sliceCount = compute_slices[number],
        .instanceCount = profile->slices / compute_slices[number],
    };
    return OK;
}

NVML(
    nvmlGpuInstanceGetComputeInstances, nvmlGpuInstance_t instance, unsigned int id,
    nvmlComputeInstance_t *instances, unsigned int *count
) {
    ENTER_NODE(count, sizeof *count, instances, sizeof *instances);
    const struct sim_mig *mig = instance_of(instance);
    if (mig == NULL || instances == NULL || count == NULL) return INVALID_ARGUMENT;
    *count = 0;
    for (int at = 0; at < sim.mig_count; at++) {
        const struct sim_mig *other = &sim.migs[at];
        if (other->gpu != mig->gpu || other->gi != mig->gi || other->ci == SIM_NO_COMPUTE) continue;
        if (other->ci_profile_id == id) instances[(*count)++] = (nvmlComputeInstance_t)(void *)other;
    }
    return OK;
}

NVML(nvmlDeviceSetMigMode, nvmlDevice_t device, unsigned int mode, nvmlReturn_t *activation) {
    ENTER_DEVICE(device, activation);
    struct sim_gpu *gpu = (struct sim_gpu *)gpu_of(device);
    if (gpu == NULL || mode > 1) return INVALID_ARGUMENT;
    if (gpu->virtualization == 2) return atoi(STANDIN_VERSION) >= 595 ? NOT_SUPPORTED : NO_PERMISSION;
    if (gpu->mig < 0) return NOT_SUPPORTED;
    *activation = OK;
    gpu->pending_mig = (int)mode;
    if (gpu->mig != (int)mode) {
        const char *reset = sim_trait(gpu, "migNeedsReset");
        for (int at = 0; at < sim.process_count; at++) {
            if (sim.processes[at].gpu == gpu->number) *activation = IN_USE;
        }
        // Instances hold the GPU.
        for (int at = 0; at < sim.mig_count; at++) {
            if (gpu->mig > 0 && sim.migs[at].gpu == gpu->number) *activation = IN_USE;
        }
        if (*activation == OK && reset != NULL && strcmp(reset, "on") == 0) *activation = RESET_REQUIRED;
    }
    if (*activation == OK) gpu->mig = (int)mode;
    return save_layout();
}

// Whether the engines of a profile are free beside those of the other GPU instances.
static bool has_engines(const struct sim_profile *wanted) {
    unsigned decoders = wanted->decoders, ofa = wanted->ofa, all_decoders = 0, all_ofa = 0;
    for (int at = 0; at < sim.profile_count; at++) {
        if (sim.profiles[at].gpu != wanted->gpu) continue;
        if (sim.profiles[at].decoders > all_decoders) all_decoders = sim.profiles[at].decoders;
        if (sim.profiles[at].ofa > all_ofa) all_ofa = sim.profiles[at].ofa;
    }
    for (int at = 0; at < sim.mig_count; at++) {
        if (sim.migs[at].gpu != wanted->gpu || !is_first(at)) continue;
        const struct sim_profile *other = profile_of(wanted->gpu, sim.migs[at].profile_id);
        if (other == NULL) continue;
        decoders += other->decoders;
        ofa += other->ofa;
    }
    return decoders <= all_decoders && ofa <= all_ofa;
}

static struct sim_mig *new_slot(int gpu) {
    if (sim.mig_count == SIM_MIGS) return NULL;
    int index = 0;
    for (int at = 0; at < sim.mig_count; at++) {
        if (sim.migs[at].gpu != gpu || sim.migs[at].index != index) continue;
        index++;
        at = -1;
    }
    struct sim_mig *mig = &sim.migs[sim.mig_count++];
    *mig = (struct sim_mig){.gpu = gpu, .index = index, .ci = SIM_NO_COMPUTE};
    return index < SIM_MIG_PER_GPU ? mig : NULL;
}

NVML(
    nvmlDeviceCreateGpuInstanceWithPlacement, nvmlDevice_t device, unsigned int id, const nvmlPlacement_t *place,
    nvmlGpuInstance_t *instance
) {
    ENTER_DEVICE(device, instance);
    const struct sim_gpu *gpu = gpu_of(device);
    nvmlReturn_t refused = refusal(gpu);
    if (refused != OK) return refused;
    const struct sim_profile *profile = profile_of(gpu->number, id);
    if (profile == NULL || place == NULL) return INVALID_ARGUMENT;
    nvmlPlacement_t places[64];
    unsigned count = places_of(profile, places, 64), same = 0, gi = 1;
    bool is_place = false;
    for (unsigned at = 0; at < count; at++) is_place |= places[at].start == place->start && places[at].size == place->size;
    if (!is_place) return INVALID_ARGUMENT;
    for (int at = 0; at < sim.mig_count; at++) {
        const struct sim_mig *other = &sim.migs[at];
        if (other->gpu != gpu->number || !is_first(at)) continue;
        if (other->start < place->start + place->size && place->start < other->start + other->size) {
            return INSUFFICIENT_RESOURCES;
        }
        same += other->profile_id == id;
        if (other->gi >= gi) gi = other->gi + 1;
    }
    if (same >= profile->instances || !has_engines(profile)) return INSUFFICIENT_RESOURCES;
    struct sim_mig *mig = new_slot(gpu->number);
    if (mig == NULL) return INSUFFICIENT_RESOURCES;
    mig->gi = gi;
    mig->profile_id = id;
    mig->start = place->start;
    mig->size = place->size;
    mig->gi_slices = profile->slices;
    mig->memory_mib = profile->memory_mib;
    sim_text(mig->profile, sizeof mig->profile, profile->name);
    snprintf(mig->uuid, sizeof mig->uuid, "MIG-none-%d-%u", gpu->number, gi);
    *instance = (nvmlGpuInstance_t)(void *)mig;
    return save_layout();
}

NVML(
    nvmlGpuInstanceCreateComputeInstance, nvmlGpuInstance_t instance, unsigned int id,
    nvmlComputeInstance_t *compute
) {
    ENTER_NODE(compute, sizeof *compute, NULL, 0);
    struct sim_mig *mig = (struct sim_mig *)instance_of(instance);
    if (mig == NULL || compute == NULL || id > 7) return INVALID_ARGUMENT;
    const struct sim_profile *profile = profile_of(mig->gpu, mig->profile_id);
    if (profile == NULL) return INVALID_ARGUMENT;
    unsigned used = 0, ci = 0;
    for (int at = 0; at < sim.mig_count; at++) {
        const struct sim_mig *other = &sim.migs[at];
        if (other->gpu != mig->gpu || other->gi != mig->gi || other->ci == SIM_NO_COMPUTE) continue;
        used += other->ci_slices;
        if (other->ci >= ci) ci = other->ci + 1;
    }
    unsigned slices = compute_slices[id];
    if (used + slices > profile->slices) return INSUFFICIENT_RESOURCES;
    struct sim_mig *made = mig;
    if (mig->ci != SIM_NO_COMPUTE) {
        made = new_slot(mig->gpu);
        if (made == NULL) return INSUFFICIENT_RESOURCES;
        int index = made->index;
        *made = *mig;
        made->index = index;
    }
    made->ci = ci;
    made->ci_profile_id = id;
    made->ci_start = used;
    made->ci_size = made->ci_slices = slices;
    made->sm = profile->sm * slices / profile->slices;
    if (slices == profile->slices) sim_text(made->profile, sizeof made->profile, profile->name);
    else snprintf(made->profile, sizeof made->profile, "%uc.%.20s", slices, profile->name);
    snprintf(
        made->uuid, sizeof made->uuid, "MIG-00000000-0000-5000-8000-%04d%04u%04u", made->gpu, made->gi, made->ci
    );
    *compute = (nvmlComputeInstance_t)(void *)made;
    return save_layout();
}

NVML(nvmlComputeInstanceDestroy, nvmlComputeInstance_t instance) {
    ENTER();
    struct sim_mig *mig = (struct sim_mig *)instance_of(instance);
    if (mig == NULL || mig->ci == SIM_NO_COMPUTE) return INVALID_ARGUMENT;
    if (is_used(mig, false)) return IN_USE;
    int others = 0;
    for (int at = 0; at < sim.mig_count; at++) {
        others += &sim.migs[at] != mig && sim.migs[at].gpu == mig->gpu && sim.migs[at].gi == mig->gi;
    }
    if (others > 0) mig->gpu = -1;
    mig->ci = SIM_NO_COMPUTE;
    return save_layout();
}

NVML(nvmlGpuInstanceDestroy, nvmlGpuInstance_t instance) {
    ENTER();
    struct sim_mig *mig = (struct sim_mig *)instance_of(instance);
    if (mig == NULL) return INVALID_ARGUMENT;
    nvmlReturn_t refused = refusal(&sim.gpus[mig->gpu]);
    if (refused != OK) return refused;
    if (mig->ci != SIM_NO_COMPUTE || is_used(mig, true)) return IN_USE;
    mig->gpu = -1;
    return save_layout();
}

#endif
