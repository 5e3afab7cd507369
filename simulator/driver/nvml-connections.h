// The functions of NVML about NVLink, the fabric, processes and confidential computing. Part of libnvidia-ml.c.

#ifndef GPU_SIM_NVML_CONNECTIONS_H
#define GPU_SIM_NVML_CONNECTIONS_H

// The links are the numbers below `nvlinkLinks`; `nvlinkActive` is the mask of those that are up. As in the real library,
// a link that the GPU does not have is not supported, and one that no GPU has is not valid.
static nvmlReturn_t link_of(nvmlDevice_t device, unsigned int link, bool *active) {
    const char *links = trait_of(device, "nvlinkLinks"), *mask = trait_of(device, "nvlinkActive");
    if (link >= 18) return INVALID_ARGUMENT;
    if (links == NULL || mask == NULL || (number_of(links) >> link & 1) == 0) return NOT_SUPPORTED;
    *active = (number_of(mask) >> link & 1) != 0;
    return OK;
}

NVML(nvmlDeviceGetNvLinkState, nvmlDevice_t device, unsigned int link, unsigned int *active) {
    ENTER_DEVICE(device, active);
    bool is_active = false;
    nvmlReturn_t result = link_of(device, link, &is_active);
    if (result == OK) *active = is_active;
    return result;
}

NVML(nvmlDeviceGetNvLinkVersion, nvmlDevice_t device, unsigned int link, unsigned int *version) {
    ENTER_DEVICE(device, version);
    bool is_active = false;
    nvmlReturn_t result = link_of(device, link, &is_active);
    const char *value = trait_of(device, "nvlinkVersion");
    if (result != OK) return result;
    if (value == NULL) return NOT_SUPPORTED;
    *version = (unsigned int)number_of(value);
    return OK;
}

// All links end at an NVSwitch (`nvlinkSwitch=on`) or at one GPU, whose address is `nvlinkPeer`.
NVML(nvmlDeviceGetNvLinkRemoteDeviceType, nvmlDevice_t device, unsigned int link, unsigned int *type) {
    ENTER_DEVICE(device, type);
    bool is_active = false;
    nvmlReturn_t result = link_of(device, link, &is_active);
    if (result != OK) return result;
    if (trait_of(device, "nvlinkSwitch") == NULL && trait_of(device, "nvlinkPeer") == NULL) return NOT_SUPPORTED;
    *type = trait_of(device, "nvlinkSwitch") != NULL ? 2 : 0;
    return OK;
}

NVML(nvmlDeviceGetNvLinkRemotePciInfo_v2, nvmlDevice_t device, unsigned int link, nvmlPciInfo_t *pci) {
    ENTER_DEVICE(device, pci);
    bool is_active = false;
    nvmlReturn_t result = link_of(device, link, &is_active);
    const char *peer = trait_of(device, "nvlinkPeer");
    if (result != OK) return result;
    if (peer == NULL) return NOT_SUPPORTED;
    memset(pci, 0, sizeof *pci);
    snprintf(pci->busId, sizeof pci->busId, "%s", peer);
    return OK;
}

#if STANDIN_BRANCH >= 525
// What all versions of the fabric struct have.
struct fabric {
    unsigned char cluster[16], state, summary;
    nvmlReturn_t status;
    unsigned int clique, mask;
};

static bool fabric_of(nvmlDevice_t device, struct fabric *fabric) {
    const char *state = trait_of(device, "fabricState"), *cluster = trait_of(device, "fabricCluster");
    const char *status = trait_of(device, "fabricStatus"), *clique = trait_of(device, "fabricClique");
    const char *summary = trait_of(device, "fabricHealth"), *mask = trait_of(device, "fabricMask");
    if (state == NULL) return false;
    *fabric = (struct fabric){
        .state = (unsigned char)number_of(state),
        .status = status == NULL ? 0 : (nvmlReturn_t)number_of(status),
        .clique = clique == NULL ? 0 : (unsigned int)number_of(clique),
        .summary = summary == NULL ? 0 : (unsigned char)number_of(summary),
        .mask = mask == NULL ? 0 : (unsigned int)number_of(mask),
    };
    for (int at = 0; cluster != NULL && at < 16 && cluster[2 * at] != 0; at++) {
        unsigned int byte = 0;
        sscanf(cluster + 2 * at, "%2x", &byte);
        fabric->cluster[at] = (unsigned char)byte;
    }
    return true;
}

typedef struct {
    unsigned char clusterUuid[16];
    nvmlReturn_t status;
    unsigned int cliqueId;
    unsigned char state;
} nvmlGpuFabricInfo_t;

NVML(nvmlDeviceGetGpuFabricInfo, nvmlDevice_t device, nvmlGpuFabricInfo_t *info) {
    ENTER_DEVICE(device, info);
    struct fabric fabric;
    if (!fabric_of(device, &fabric)) return NOT_SUPPORTED;
    memcpy(info->clusterUuid, fabric.cluster, sizeof info->clusterUuid);
    info->status = fabric.status;
    info->cliqueId = fabric.clique;
    info->state = fabric.state;
    return OK;
}
#endif

#if STANDIN_BRANCH >= 550
typedef struct {
    unsigned int version;
    unsigned char clusterUuid[16];
    nvmlReturn_t status;
    unsigned int cliqueId;
    unsigned char state;
    unsigned int healthMask;
    unsigned char healthSummary;
} nvmlGpuFabricInfoV_t;

NVML(nvmlDeviceGetGpuFabricInfoV, nvmlDevice_t device, nvmlGpuFabricInfoV_t *info) {
    ENTER_DEVICE(device, info);
    // Version 2 is shorter by the summary, which came after driver 570.
    bool is_third = STANDIN_BRANCH >= 580 && info->version == (3u << 24 | 40);
    if (!is_third && info->version != (2u << 24 | 36)) return ARGUMENT_VERSION_MISMATCH;
    struct fabric fabric;
    if (!fabric_of(device, &fabric)) return NOT_SUPPORTED;
    memcpy(info->clusterUuid, fabric.cluster, sizeof info->clusterUuid);
    info->status = fabric.status;
    info->cliqueId = fabric.clique;
    info->state = fabric.state;
    info->healthMask = fabric.mask;
    if (is_third) info->healthSummary = fabric.summary;
    return OK;
}
#endif

typedef struct {
    unsigned int pid;
    unsigned long long usedGpuMemory;
    unsigned int gpuInstanceId, computeInstanceId;
} nvmlProcessInfo_t;

static nvmlReturn_t processes_of(
    const char *symbol, nvmlDevice_t device, bool graphics, unsigned int *count, nvmlProcessInfo_t *infos
) {
    const struct sim_gpu *gpu = owner_of(device);
    unsigned int found = 0, room = *count;
    for (int at = 0; at < sim.process_count; at++) {
        const struct sim_process *process = &sim.processes[at];
        if (process->gpu != gpu->number || process->graphics != graphics) continue;
        if (found < room && infos != NULL) {
            infos[found] = (nvmlProcessInfo_t){
                .pid = process->pid,
                .usedGpuMemory = process->memory_mib == ULLONG_MAX ? ULLONG_MAX : process->memory_mib << 20,
                .gpuInstanceId = process->gi,
                .computeInstanceId = process->ci,
            };
        }
        found++;
    }
    *count = sim_count(symbol, found);
    return *count > room ? INSUFFICIENT_SIZE : OK;
}

#define PROCESS_FUNCTION(symbol, graphics)                                                        \
    NVML(symbol, nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos) {            \
        size_t room = count == NULL ? 0 : *count;                                                 \
        ENTER_DEVICE_WITH(device, count, sizeof *count, infos, room * sizeof *infos);             \
        return processes_of(__func__, device, graphics, count, infos);                            \
    }

PROCESS_FUNCTION(nvmlDeviceGetComputeRunningProcesses_v2, false)
PROCESS_FUNCTION(nvmlDeviceGetGraphicsRunningProcesses_v2, true)
#if STANDIN_BRANCH >= 510
PROCESS_FUNCTION(nvmlDeviceGetComputeRunningProcesses_v3, false)
PROCESS_FUNCTION(nvmlDeviceGetGraphicsRunningProcesses_v3, true)
#endif

#if STANDIN_BRANCH >= 535
// A setting of confidential computing: a word of the line `system`.
static const char *setting_of(const char *name) {
    for (int at = 0; at < sim.system_count; at++) {
        if (strcmp(sim.system[at].name, name) == 0) return sim.system[at].value;
    }
    return NULL;
}

typedef struct {
    unsigned int environment, ccFeature, devToolsMode;
} nvmlConfComputeSystemState_t;

static nvmlReturn_t state_of_node(nvmlConfComputeSystemState_t *state) {
    const char *environment = setting_of("ccEnvironment"), *feature = setting_of("ccFeature");
    const char *tools = setting_of("ccTools");
    if (environment == NULL || feature == NULL) return NOT_SUPPORTED;
    *state = (nvmlConfComputeSystemState_t){
        (unsigned int)number_of(environment), (unsigned int)number_of(feature),
        tools == NULL ? 0 : (unsigned int)number_of(tools),
    };
    return OK;
}

NVML(nvmlSystemGetConfComputeState, nvmlConfComputeSystemState_t *state) {
    ENTER_NODE(state, sizeof *state, NULL, 0);
    return state == NULL ? INVALID_ARGUMENT : state_of_node(state);
}

NVML(nvmlSystemGetConfComputeGpusReadyState, unsigned int *accepts) {
    ENTER_NODE(accepts, sizeof *accepts, NULL, 0);
    const char *ready = setting_of("ccReady");
    if (accepts == NULL) return INVALID_ARGUMENT;
    if (ready == NULL) return NOT_SUPPORTED;
    *accepts = (unsigned int)number_of(ready);
    return OK;
}
#endif

#if STANDIN_BRANCH >= 550
typedef struct {
    unsigned int version, environment, ccFeature, devToolsMode, multiGpuMode;
} nvmlSystemConfComputeSettings_t;

NVML(nvmlSystemGetConfComputeSettings, nvmlSystemConfComputeSettings_t *settings) {
    ENTER_NODE(settings, sizeof *settings, NULL, 0);
    if (settings == NULL) return INVALID_ARGUMENT;
    if (settings->version != (1u << 24 | sizeof *settings)) return ARGUMENT_VERSION_MISMATCH;
    nvmlConfComputeSystemState_t state;
    nvmlReturn_t result = state_of_node(&state);
    const char *mode = setting_of("ccMultiGpu");
    if (result != OK) return result;
    settings->environment = state.environment;
    settings->ccFeature = state.ccFeature;
    settings->devToolsMode = state.devToolsMode;
    settings->multiGpuMode = mode == NULL ? 0 : (unsigned int)number_of(mode);
    return OK;
}
#endif

#endif
