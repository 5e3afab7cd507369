// A stand-in for NVIDIA's libnvidia-ml.so.1: the real library's symbol names, struct layouts and return codes, with
// answers from a file (README.md). The layouts are written here a second time, independently of those that the
// agent uses, so that the tests find a mistake in one of the two.

#include "hardware.h"

// The driver branch, which decides which functions the library has.
#ifndef STANDIN_BRANCH
#define STANDIN_BRANCH 580
#endif

// Declares and begins a function.
#define NVML(name, ...)             \
    nvmlReturn_t name(__VA_ARGS__); \
    nvmlReturn_t name(__VA_ARGS__)

typedef int nvmlReturn_t;
enum {
    OK = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NO_PERMISSION = 4,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9,
    TIMEOUT = 10,
    GPU_IS_LOST = 15,
    RESET_REQUIRED = 16,
    LIB_RM_VERSION_MISMATCH = 18,
    IN_USE = 19,
    INSUFFICIENT_RESOURCES = 23,
    ARGUMENT_VERSION_MISMATCH = 25,
    UNKNOWN = 999,
};

typedef struct handle *nvmlDevice_t;

typedef struct {
    char busIdLegacy[16];
    unsigned int domain, bus, device, pciDeviceId, pciSubSystemId;
    char busId[32];
} nvmlPciInfo_t;

typedef struct {
    unsigned long long total, free, used;
} nvmlMemory_t;

typedef struct {
    unsigned int version;
    unsigned long long total, reserved, free, used;
} nvmlMemory_v2_t;

typedef struct {
    unsigned int multiprocessorCount, sharedCopyEngineCount, sharedDecoderCount, sharedEncoderCount;
    unsigned int sharedJpegCount, sharedOfaCount, gpuInstanceSliceCount, computeInstanceSliceCount;
    unsigned long long memorySizeMB;
} nvmlDeviceAttributes_t;

typedef struct {
    unsigned int year;
    unsigned short month, day, hour, min, sec;
    unsigned char status;
} nvmlGridLicenseExpiry_t;

typedef struct {
    int featureCode;
    unsigned int featureState;
    char licenseInfo[128], productName[128];
    unsigned int featureEnabled;
    nvmlGridLicenseExpiry_t licenseExpiry;
} nvmlGridLicensableFeature_t;

typedef struct {
    int isGridLicenseSupported;
    unsigned int licensableFeaturesCount;
    nvmlGridLicensableFeature_t gridLicensableFeatures[3];
} nvmlGridLicensableFeatures_t;

static int references;

static const struct sim_gpu *gpu_of(nvmlDevice_t device) {
    for (int at = 0; at < sim.gpu_count; at++) {
        if ((void *)device == (void *)&sim.gpus[at]) return &sim.gpus[at];
    }
    return NULL;
}

static const struct sim_mig *mig_of(nvmlDevice_t device) {
    for (int at = 0; at < sim.mig_count; at++) {
        if ((void *)device == (void *)&sim.migs[at]) return &sim.migs[at];
    }
    return NULL;
}

// Returns the GPU for a handle of either kind.
static const struct sim_gpu *owner_of(nvmlDevice_t device) {
    const struct sim_mig *mig = mig_of(device);
    return mig != NULL ? &sim.gpus[mig->gpu] : gpu_of(device);
}

static nvmlReturn_t enter(const char *symbol) { return references == 0 ? UNINITIALIZED : sim_fault(symbol, -1); }

static nvmlReturn_t enter_device(const char *symbol, nvmlDevice_t device, const void *out) {
    if (references == 0) return UNINITIALIZED;
    const struct sim_gpu *gpu = owner_of(device);
    if (gpu == NULL || out == NULL) return INVALID_ARGUMENT;
    nvmlReturn_t fault = sim_fault(symbol, gpu->number);
    return fault == OK && sim_is_lost(gpu) ? GPU_IS_LOST : fault;
}

static bool is_noise(
    const char *symbol, nvmlDevice_t device, void *out, size_t size, void *other, size_t other_size
) {
    return sim_noise(symbol, owner_of(device)->number, out, size, other, other_size);
}

#define ENTER()                                        \
    do {                                               \
        nvmlReturn_t entered = enter(__func__);        \
        if (entered != OK) return entered;             \
    } while (0)
// Begins a function about the node that writes to one place, or to two.
#define ENTER_NODE(out, size, other, other_size)                                            \
    do {                                                                                    \
        ENTER();                                                                            \
        if (sim_noise(__func__, -1, out, size, other, other_size)) return OK;               \
    } while (0)
#define ENTER_DEVICE_WITH(device, out, size, other, other_size)                             \
    do {                                                                                    \
        nvmlReturn_t entered = enter_device(__func__, device, out);                         \
        if (entered != OK) return entered;                                                  \
        if (is_noise(__func__, device, out, size, other, other_size)) return OK;            \
    } while (0)
#define ENTER_DEVICE(device, out) ENTER_DEVICE_WITH(device, out, sizeof *(out), NULL, 0)
#define ENTER_TEXT(device, text, length) ENTER_DEVICE_WITH(device, text, length, NULL, 0)
#define ENTER_PAIR(device, first, second) ENTER_DEVICE_WITH(device, first, sizeof *(first), second, sizeof *(second))

static nvmlReturn_t copy(char *to, unsigned int length, const char *text) {
    if (to == NULL) return INVALID_ARGUMENT;
    return sim_text(to, length, text) ? OK : INSUFFICIENT_SIZE;
}

nvmlReturn_t nvmlInitWithFlags(unsigned int flags);
nvmlReturn_t nvmlInitWithFlags(unsigned int flags) {
    (void)flags;
    if (references > 0) {
        references++;
        return OK;
    }
    enum sim_driver driver;
    if (sim_load(&driver) != 0) return UNKNOWN;
    nvmlReturn_t fault = sim_fault("nvmlInit_v2", -1);
    if (fault != OK) return fault;
    if (driver == SIM_DRIVER_ABSENT) return DRIVER_NOT_LOADED;
    if (driver == SIM_DRIVER_OTHER_VERSION) return LIB_RM_VERSION_MISMATCH;
    references = 1;
    return OK;
}

nvmlReturn_t nvmlInit_v2(void);
nvmlReturn_t nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

nvmlReturn_t nvmlShutdown(void);
nvmlReturn_t nvmlShutdown(void) {
    if (references == 0) return UNINITIALIZED;
    references--;
    return OK;
}

const char *nvmlErrorString(nvmlReturn_t result);
const char *nvmlErrorString(nvmlReturn_t result) {
    switch (result) {
    case OK: return "Success";
    case UNINITIALIZED: return "Uninitialized";
    case INVALID_ARGUMENT: return "Invalid Argument";
    case NOT_SUPPORTED: return "Not Supported";
    case NO_PERMISSION: return "Insufficient Permissions";
    case NOT_FOUND: return "Not Found";
    case INSUFFICIENT_SIZE: return "Insufficient Size";
    case DRIVER_NOT_LOADED: return "Driver Not Loaded";
    case 12: return "Shared Library Not Found";
    case GPU_IS_LOST: return "GPU is lost";
    case 16: return "GPU requires reset";
    case LIB_RM_VERSION_MISMATCH: return "Driver/library version mismatch";
    default: return "Unknown Error";
    }
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length);
nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length) {
    ENTER_NODE(version, length, NULL, 0);
    return copy(version, length, STANDIN_VERSION);
}

nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned int length);
nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned int length) {
    nvmlReturn_t fault = sim_fault(__func__, -1);
    if (fault != OK) return fault;
    if (sim_noise(__func__, -1, version, length, NULL, 0)) return OK;
    char text[80];
    snprintf(text, sizeof text, "%d.%s", sim_cuda_version() / 1000, STANDIN_VERSION);
    return copy(version, length, text);
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version);
nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
    ENTER_NODE(version, sizeof *version, NULL, 0);
    if (version == NULL) return INVALID_ARGUMENT;
    *version = sim_cuda_version();
    return OK;
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count);
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count) {
    ENTER_NODE(count, sizeof *count, NULL, 0);
    if (count == NULL) return INVALID_ARGUMENT;
    *count = sim_count(__func__, (unsigned int)sim.gpu_count);
    return OK;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device);
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) {
    if (references == 0) return UNINITIALIZED;
    if (device == NULL || index >= (unsigned int)sim.gpu_count) return INVALID_ARGUMENT;
    nvmlReturn_t fault = sim_fault(__func__, (int)index);
    if (fault != OK) return fault;
    if (sim_is_lost(&sim.gpus[index])) return GPU_IS_LOST;
    if (sim_noise(__func__, (int)index, device, sizeof *device, NULL, 0)) return OK;
    *device = (nvmlDevice_t)(void *)&sim.gpus[index];
    return OK;
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length);
nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length) {
    ENTER_TEXT(device, name, length);
    const struct sim_mig *mig = mig_of(device);
    if (mig == NULL) return copy(name, length, gpu_of(device)->name);
    char text[160];
    snprintf(text, sizeof text, "%s MIG %s", sim.gpus[mig->gpu].name, mig->profile);
    return copy(name, length, text);
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length);
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length) {
    ENTER_TEXT(device, uuid, length);
    const struct sim_mig *mig = mig_of(device);
    return copy(uuid, length, mig != NULL ? mig->uuid : gpu_of(device)->uuid);
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci);
nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci) {
    ENTER_DEVICE(device, pci);
    const struct sim_gpu *gpu = owner_of(device);
    memset(pci, 0, sizeof *pci);
    pci->domain = gpu->domain;
    pci->bus = gpu->bus;
    pci->device = gpu->device;
    // The other way round than lspci: the device is in the high half.
    pci->pciDeviceId = gpu->id << 16 | gpu->id >> 16;
    pci->pciSubSystemId = gpu->subsystem << 16 | gpu->subsystem >> 16;
    snprintf(
        pci->busIdLegacy, sizeof pci->busIdLegacy, "%04X:%02X:%02X.0", gpu->domain & 0xffff, gpu->bus & 0xff,
        gpu->device & 0x1f
    );
    snprintf(
        pci->busId, sizeof pci->busId, "%08X:%02X:%02X.0", gpu->domain, gpu->bus & 0xff, gpu->device & 0x1f
    );
    return OK;
}

static unsigned long long bytes_of(nvmlDevice_t device) {
    const struct sim_mig *mig = mig_of(device);
    return (mig != NULL ? mig->memory_mib : gpu_of(device)->memory_mib) << 20;
}

// A part of a GPU's memory in bytes: a trait in MiB.
static unsigned long long memory_of(nvmlDevice_t device, const char *trait) {
    const struct sim_gpu *gpu = gpu_of(device);
    const char *value = gpu == NULL ? NULL : sim_trait(gpu, trait);
    return value == NULL ? 0 : strtoull(value, NULL, 0) << 20;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory);
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
    ENTER_DEVICE(device, memory);
    // The reserved memory counts as used.
    unsigned long long used = memory_of(device, "memoryUsedMiB") + memory_of(device, "memoryReservedMiB");
    *memory = (nvmlMemory_t){.total = bytes_of(device), .free = bytes_of(device) - used, .used = used};
    return OK;
}

#if STANDIN_BRANCH >= 510
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory);
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
    ENTER_DEVICE(device, memory);
    if (memory->version != (2u << 24 | sizeof *memory)) return ARGUMENT_VERSION_MISMATCH;
    memory->total = bytes_of(device);
    memory->reserved = memory_of(device, "memoryReservedMiB");
    memory->used = memory_of(device, "memoryUsedMiB");
    memory->free = memory->total - memory->used - memory->reserved;
    return OK;
}
#endif

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor);
nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
    ENTER_PAIR(device, major, minor);
    if (minor == NULL) return INVALID_ARGUMENT;
    *major = owner_of(device)->cc_major;
    *minor = owner_of(device)->cc_minor;
    return OK;
}

#ifndef STANDIN_WITHOUT_MIG_MODE
nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending);
nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending) {
    ENTER_PAIR(device, current, pending);
    const struct sim_gpu *gpu = gpu_of(device);
    if (gpu == NULL || pending == NULL) return INVALID_ARGUMENT;
    if (gpu->mig < 0) return NOT_SUPPORTED;
    *current = (unsigned int)gpu->mig;
    *pending = (unsigned int)gpu->pending_mig;
    return OK;
}
#endif

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count);
nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count) {
    ENTER_DEVICE(device, count);
    const struct sim_gpu *gpu = gpu_of(device);
    if (gpu == NULL) return INVALID_ARGUMENT;
    *count = sim_count(__func__, gpu->mig > 0 ? SIM_MIG_PER_GPU : 0);
    return OK;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index, nvmlDevice_t *mig);
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index, nvmlDevice_t *mig) {
    ENTER_DEVICE(device, mig);
    const struct sim_gpu *gpu = gpu_of(device);
    if (gpu == NULL || index >= SIM_MIG_PER_GPU) return INVALID_ARGUMENT;
    if (gpu->mig < 0) return NOT_SUPPORTED;
    for (int at = 0; gpu->mig > 0 && at < sim.mig_count; at++) {
        if (sim.migs[at].ci == SIM_NO_COMPUTE) continue;
        if (sim.migs[at].gpu == gpu->number && sim.migs[at].index == (int)index) {
            *mig = (nvmlDevice_t)(void *)&sim.migs[at];
            return OK;
        }
    }
    return NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned int *id);
nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned int *id) {
    ENTER_DEVICE(device, id);
    if (mig_of(device) == NULL) return INVALID_ARGUMENT;
    *id = mig_of(device)->gi;
    return OK;
}

nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t device, unsigned int *id);
nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t device, unsigned int *id) {
    ENTER_DEVICE(device, id);
    if (mig_of(device) == NULL) return INVALID_ARGUMENT;
    *id = mig_of(device)->ci;
    return OK;
}

nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device, nvmlDeviceAttributes_t *attributes);
nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device, nvmlDeviceAttributes_t *attributes) {
    ENTER_DEVICE(device, attributes);
    const struct sim_mig *mig = mig_of(device);
    if (mig == NULL) return INVALID_ARGUMENT;
    *attributes = (nvmlDeviceAttributes_t){
        .multiprocessorCount = mig->sm,
        .sharedCopyEngineCount = mig->copy_engines,
        .sharedDecoderCount = mig->decoders,
        .sharedEncoderCount = mig->encoders,
        .sharedJpegCount = mig->jpeg_engines,
        .sharedOfaCount = mig->ofa_engines,
        .gpuInstanceSliceCount = mig->gi_slices,
        .computeInstanceSliceCount = mig->ci_slices,
        .memorySizeMB = mig->memory_mib,
    };
    return OK;
}

nvmlReturn_t nvmlDeviceGetVirtualizationMode(nvmlDevice_t device, int *mode);
nvmlReturn_t nvmlDeviceGetVirtualizationMode(nvmlDevice_t device, int *mode) {
    ENTER_DEVICE(device, mode);
    *mode = owner_of(device)->virtualization;
    return OK;
}

static void features_of(const struct sim_gpu *gpu, nvmlGridLicensableFeatures_t *features) {
    memset(features, 0, sizeof *features);
    if (gpu->license < 0) return;
    features->isGridLicenseSupported = 1;
    features->licensableFeaturesCount = 1;
    nvmlGridLicensableFeature_t *feature = &features->gridLicensableFeatures[0];
    feature->featureCode = 2;
    feature->featureState = gpu->license == 1;
    feature->featureEnabled = 1;
    sim_text(feature->productName, sizeof feature->productName, gpu->product);
    feature->licenseExpiry.status = (const unsigned char[]){0, 4, 3}[gpu->license];
    if (gpu->expiry[0] == 0) return;
    // An expiry in the past has no license.
    feature->licenseExpiry = (nvmlGridLicenseExpiry_t){
        .year = gpu->expiry[0],
        .month = (unsigned short)gpu->expiry[1],
        .day = (unsigned short)gpu->expiry[2],
        .hour = (unsigned short)gpu->expiry[3],
        .min = (unsigned short)gpu->expiry[4],
        .sec = (unsigned short)gpu->expiry[5],
        .status = gpu->license == 1 ? 2 : 1,
    };
}

nvmlReturn_t nvmlDeviceGetGridLicensableFeatures_v3(nvmlDevice_t device, nvmlGridLicensableFeatures_t *features);
nvmlReturn_t nvmlDeviceGetGridLicensableFeatures_v3(nvmlDevice_t device, nvmlGridLicensableFeatures_t *features) {
    ENTER_DEVICE(device, features);
    features_of(owner_of(device), features);
    return OK;
}

#ifndef STANDIN_OLD
nvmlReturn_t nvmlDeviceGetGridLicensableFeatures_v4(nvmlDevice_t device, nvmlGridLicensableFeatures_t *features);
nvmlReturn_t nvmlDeviceGetGridLicensableFeatures_v4(nvmlDevice_t device, nvmlGridLicensableFeatures_t *features) {
    ENTER_DEVICE(device, features);
    features_of(owner_of(device), features);
    return OK;
}
#endif

#include "nvml-traits.h"
#include "nvml-health.h"
#include "nvml-connections.h"
#include "nvml-mig.h"
#include "nvml-mig-change.h"
#ifndef STANDIN_WITHOUT_EVENTS
#include "nvml-events.h"
#endif
