// A stand-in for NVIDIA's libcuda.so.1: initialization and the count of devices, with answers from a file (README.md).

#include "hardware.h"

typedef int CUresult;
enum {
    OK = 0,
    INVALID_VALUE = 1,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    SYSTEM_DRIVER_MISMATCH = 803,
    UNKNOWN = 999,
};

static int devices = -1;

// A GPU that fell off the bus is neither.
static bool is_whole(const struct sim_gpu *gpu) { return gpu->mig <= 0 && !sim_is_lost(gpu); }
static bool is_divided(const struct sim_gpu *gpu) { return gpu->mig > 0 && !sim_is_lost(gpu); }

// The value of CUDA_VISIBLE_DEVICES names devices by number or UUID, and ends at the first name that is none.
// A GPU with MIG on cannot be used as a whole: its own name is none.
static bool visible(const char *name) {
    for (int at = 0; at < sim.gpu_count; at++) {
        char number[16];
        snprintf(number, sizeof number, "%d", at);
        if (strcmp(name, sim.gpus[at].uuid) == 0 || strcmp(name, number) == 0) return is_whole(&sim.gpus[at]);
    }
    for (int at = 0; at < sim.mig_count; at++) {
        if (strcmp(name, sim.migs[at].uuid) == 0) return is_divided(&sim.gpus[sim.migs[at].gpu]);
    }
    return false;
}

static int count_visible(const char *names) {
    if (names == NULL) {
        int whole = 0, migs = 0;
        for (int at = 0; at < sim.gpu_count; at++) whole += is_whole(&sim.gpus[at]);
        for (int at = 0; at < sim.mig_count; at++) migs += is_divided(&sim.gpus[sim.migs[at].gpu]);
        return whole > 0 ? whole : migs > 0;
    }
    char text[4096];
    if (!sim_text(text, sizeof text, names)) return 0;
    int count = 0;
    char *rest = text, *name;
    while ((name = strsep(&rest, ",")) != NULL && visible(name)) {
        count++;
        // A process sees one MIG device at most.
        if (strncmp(name, "MIG-", 4) == 0) return 1;
    }
    return count;
}

CUresult cuInit(unsigned int flags);
CUresult cuInit(unsigned int flags) {
    if (flags != 0) return INVALID_VALUE;
    enum sim_driver driver;
    if (sim_load(&driver) != 0) return UNKNOWN;
    CUresult fault = sim_fault(__func__, -1);
    if (fault != OK) return fault;
    if (driver == SIM_DRIVER_ABSENT) return NO_DEVICE;
    if (driver == SIM_DRIVER_OTHER_VERSION) return SYSTEM_DRIVER_MISMATCH;
    int count = count_visible(getenv("CUDA_VISIBLE_DEVICES"));
    if (count == 0) return NO_DEVICE;
    devices = count;
    return OK;
}

CUresult cuDeviceGetCount(int *count);
CUresult cuDeviceGetCount(int *count) {
    if (devices < 0) return NOT_INITIALIZED;
    if (count == NULL) return INVALID_VALUE;
    CUresult fault = sim_fault(__func__, -1);
    if (fault != OK) return fault;
    *count = (int)sim_count(__func__, (unsigned)devices);
    return OK;
}

CUresult cuDriverGetVersion(int *version);
CUresult cuDriverGetVersion(int *version) {
    if (version == NULL) return INVALID_VALUE;
    *version = sim_cuda_version();
    return OK;
}

CUresult cuGetErrorName(CUresult error, const char **name);
CUresult cuGetErrorName(CUresult error, const char **name) {
    static const struct {
        CUresult code;
        const char *name;
    } names[] = {
        {OK, "CUDA_SUCCESS"},
        {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
        {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
        {34, "CUDA_ERROR_STUB_LIBRARY"},
        {46, "CUDA_ERROR_DEVICE_UNAVAILABLE"},
        {NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
        {101, "CUDA_ERROR_INVALID_DEVICE"},
        {102, "CUDA_ERROR_DEVICE_NOT_LICENSED"},
        {304, "CUDA_ERROR_OPERATING_SYSTEM"},
        {802, "CUDA_ERROR_SYSTEM_NOT_READY"},
        {SYSTEM_DRIVER_MISMATCH, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"},
        {804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"},
        {UNKNOWN, "CUDA_ERROR_UNKNOWN"},
    };
    if (name == NULL) return INVALID_VALUE;
    *name = NULL;
    for (size_t at = 0; at < sizeof names / sizeof names[0]; at++) {
        if (names[at].code == error) *name = names[at].name;
    }
    return *name != NULL ? OK : INVALID_VALUE;
}
