// The functions of NVML that answer with a trait of a GPU: the word `trait.NAME=VALUE` of the hardware file. A GPU
// without the trait answers "not supported". Part of libnvidia-ml.c.

#ifndef GPU_SIM_NVML_TRAITS_H
#define GPU_SIM_NVML_TRAITS_H

// The value of a trait of a GPU; NULL when it does not have the trait, and for a MIG device.
static const char *trait_of(nvmlDevice_t device, const char *name) {
    const struct sim_gpu *gpu = gpu_of(device);
    return gpu == NULL ? NULL : sim_trait(gpu, name);
}

static unsigned long long number_of(const char *value) {
    if (strcmp(value, "on") == 0) return 1;
    return strtoull(value, NULL, 0);
}

#define TEXT_FUNCTION(symbol, trait)                                         \
    NVML(symbol, nvmlDevice_t device, char *text, unsigned int length) {     \
        ENTER_TEXT(device, text, length);                                    \
        const char *value = trait_of(device, trait);                         \
        return value == NULL ? NOT_SUPPORTED : copy(text, length, value);    \
    }

#define NUMBER_FUNCTION(symbol, trait)                          \
    NVML(symbol, nvmlDevice_t device, unsigned int *number) {   \
        ENTER_DEVICE(device, number);                           \
        const char *value = trait_of(device, trait);            \
        if (value == NULL) return NOT_SUPPORTED;                \
        *number = (unsigned int)number_of(value);               \
        return OK;                                              \
    }

// The second number is the same as the first one when the hardware file does not name it.
#define PAIR_FUNCTION(symbol, first_trait, second_trait)                                 \
    NVML(symbol, nvmlDevice_t device, unsigned int *first, unsigned int *second) {       \
        ENTER_PAIR(device, first, second);                                               \
        if (second == NULL) return INVALID_ARGUMENT;                                     \
        const char *value = trait_of(device, first_trait);                               \
        const char *other = trait_of(device, second_trait);                              \
        if (value == NULL) return NOT_SUPPORTED;                                         \
        *first = (unsigned int)number_of(value);                                         \
        *second = other == NULL ? *first : (unsigned int)number_of(other);               \
        return OK;                                                                       \
    }

TEXT_FUNCTION(nvmlDeviceGetSerial, "serial")
TEXT_FUNCTION(nvmlDeviceGetVbiosVersion, "vbios")
TEXT_FUNCTION(nvmlDeviceGetInforomImageVersion, "inforom")
TEXT_FUNCTION(nvmlDeviceGetBoardPartNumber, "boardPartNumber")
NUMBER_FUNCTION(nvmlDeviceGetBoardId, "boardID")
NUMBER_FUNCTION(nvmlDeviceGetMinorNumber, "minorNumber")
NUMBER_FUNCTION(nvmlDeviceGetArchitecture, "architecture")
NUMBER_FUNCTION(nvmlDeviceGetBrand, "brand")
NUMBER_FUNCTION(nvmlDeviceGetComputeMode, "computeMode")
NUMBER_FUNCTION(nvmlDeviceGetPersistenceMode, "persistenceMode")
PAIR_FUNCTION(nvmlDeviceGetEccMode, "ecc", "eccPending")

#if STANDIN_BRANCH >= 535
NUMBER_FUNCTION(nvmlDeviceGetModuleId, "moduleID")
#endif

#if STANDIN_BRANCH >= 510
PAIR_FUNCTION(nvmlDeviceGetGspFirmwareMode, "gspEnabled", "gspEnabled")

// It has no parameter for the length, so the buffer must have 64 bytes.
NVML(nvmlDeviceGetGspFirmwareVersion, nvmlDevice_t device, char *version) {
    ENTER_TEXT(device, version, 64);
    const char *firmware = trait_of(device, "gspFirmware");
    return firmware == NULL ? NOT_SUPPORTED : copy(version, 64, firmware);
}
#endif

#if STANDIN_BRANCH >= 550
NUMBER_FUNCTION(nvmlDeviceGetNumaNodeId, "numaNode")
#endif

typedef struct {
    unsigned long long bar1Total, bar1Free, bar1Used;
} nvmlBAR1Memory_t;

NVML(nvmlDeviceGetBAR1MemoryInfo, nvmlDevice_t device, nvmlBAR1Memory_t *memory) {
    ENTER_DEVICE(device, memory);
    const char *total = trait_of(device, "bar1MiB"), *used = trait_of(device, "bar1UsedMiB");
    if (total == NULL) return NOT_SUPPORTED;
    memory->bar1Total = number_of(total) << 20;
    memory->bar1Used = used == NULL ? 0 : number_of(used) << 20;
    memory->bar1Free = memory->bar1Total - memory->bar1Used;
    return OK;
}

#if STANDIN_BRANCH >= 560
typedef struct {
    unsigned int version;
    char branch[80];
} nvmlSystemDriverBranchInfo_t;

NVML(nvmlSystemGetDriverBranch, nvmlSystemDriverBranchInfo_t *info, unsigned int length) {
    ENTER_NODE(info, sizeof *info, NULL, 0);
    if (info == NULL) return INVALID_ARGUMENT;
    if (info->version != (1u << 24 | sizeof *info)) return ARGUMENT_VERSION_MISMATCH;
    char text[80];
    snprintf(text, sizeof text, "r%d_00", STANDIN_BRANCH);
    return copy(info->branch, length < sizeof info->branch ? length : sizeof info->branch, text);
}
#endif

#if STANDIN_BRANCH >= 590
typedef struct {
    unsigned int version, value;
} nvmlDeviceAddressingMode_t;

NVML(nvmlDeviceGetAddressingMode, nvmlDevice_t device, nvmlDeviceAddressingMode_t *mode) {
    ENTER_DEVICE(device, mode);
    if (mode->version != (1u << 24 | sizeof *mode)) return ARGUMENT_VERSION_MISMATCH;
    const char *value = trait_of(device, "addressingMode");
    if (value == NULL) return NOT_SUPPORTED;
    mode->value = (unsigned int)number_of(value);
    return OK;
}
#endif

#endif
