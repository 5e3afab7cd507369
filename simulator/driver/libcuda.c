// A stand-in for NVIDIA's libcuda.so.1: devices, with answers from a file, and their memory and kernels, on the
// processor (README.md).

#include "hardware.h"

#include <stdint.h>

typedef int CUresult;
enum {
    OK = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    PEER_ACCESS_UNSUPPORTED = 217,
    INVALID_PTX = 218,
    NOT_FOUND = 500,
    ILLEGAL_ADDRESS = 700,
    PEER_ACCESS_ALREADY_ENABLED = 704,
    SYSTEM_DRIVER_MISMATCH = 803,
    UNKNOWN = 999,
};

static int devices = -1;
// The GPU of each visible device.
static int gpu_of[SIM_GPUS];

// A GPU that fell off the bus is neither.
static bool is_whole(const struct sim_gpu *gpu) { return gpu->mig <= 0 && !sim_is_lost(gpu); }
static bool is_divided(const struct sim_gpu *gpu) { return gpu->mig > 0 && !sim_is_lost(gpu); }

// The value of CUDA_VISIBLE_DEVICES names devices by number or UUID, and ends at the first name that is none.
// A GPU with MIG on cannot be used as a whole: its own name is none.
// Returns the number of its GPU, or -1.
static int visible(const char *name) {
    for (int at = 0; at < sim.gpu_count; at++) {
        char number[16];
        snprintf(number, sizeof number, "%d", at);
        if (strcmp(name, sim.gpus[at].uuid) == 0 || strcmp(name, number) == 0) return is_whole(&sim.gpus[at]) ? at : -1;
    }
    for (int at = 0; at < sim.mig_count; at++) {
        if (sim.migs[at].ci == SIM_NO_COMPUTE) continue;
        if (strcmp(name, sim.migs[at].uuid) == 0) return is_divided(&sim.gpus[sim.migs[at].gpu]) ? sim.migs[at].gpu : -1;
    }
    return -1;
}

// Fills `gpu_of`, and returns the number of the visible devices.
static int find_visible(const char *names) {
    int count = 0;
    if (names == NULL) {
        for (int at = 0; at < sim.gpu_count; at++) {
            if (is_whole(&sim.gpus[at])) gpu_of[count++] = at;
        }
        for (int at = 0; at < sim.mig_count && count == 0; at++) {
            if (sim.migs[at].ci != SIM_NO_COMPUTE && is_divided(&sim.gpus[sim.migs[at].gpu])) gpu_of[count++] = sim.migs[at].gpu;
        }
        return count;
    }
    char text[4096];
    if (!sim_text(text, sizeof text, names)) return 0;
    char *rest = text, *name;
    int gpu;
    while (count < SIM_GPUS && (name = strsep(&rest, ",")) != NULL && (gpu = visible(name)) >= 0) {
        gpu_of[count++] = gpu;
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
    int count = find_visible(getenv("CUDA_VISIBLE_DEVICES"));
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

// A device has one context, whose number is that of the device.
struct context {
    int device, references;
};
static struct context contexts[SIM_GPUS];
static struct context *current;

// Whether the context of one device uses the memory of another one. It ends with either context.
static bool uses_peer[SIM_GPUS][SIM_GPUS];

static void forget_peers(int device) {
    for (int other = 0; other < SIM_GPUS; other++) uses_peer[device][other] = uses_peer[other][device] = false;
}

// The fault of a call that uses the current context.
static CUresult enter(const char *symbol) {
    if (devices < 0) return NOT_INITIALIZED;
    if (current == NULL || current->references == 0) return INVALID_CONTEXT;
    return sim_fault(symbol, gpu_of[current->device]);
}

static CUresult enter_device(const char *symbol, int device) {
    if (devices < 0) return NOT_INITIALIZED;
    if (device < 0 || device >= devices) return INVALID_DEVICE;
    return sim_fault(symbol, gpu_of[device]);
}

CUresult cuDeviceGet(int *device, int number);
CUresult cuDeviceGet(int *device, int number) {
    CUresult fault = enter_device(__func__, number);
    if (fault == OK) *device = number;
    return fault;
}

CUresult cuDevicePrimaryCtxRetain(struct context **context, int device);
CUresult cuDevicePrimaryCtxRetain(struct context **context, int device) {
    CUresult fault = enter_device(__func__, device);
    if (fault != OK) return fault;
    *context = &contexts[device];
    **context = (struct context){.device = device, .references = contexts[device].references + 1};
    return OK;
}

CUresult cuDevicePrimaryCtxRelease_v2(int device);
CUresult cuDevicePrimaryCtxRelease_v2(int device) {
    CUresult fault = enter_device(__func__, device);
    if (fault != OK) return fault;
    if (contexts[device].references == 0) return INVALID_CONTEXT;
    if (--contexts[device].references == 0) forget_peers(device);
    return OK;
}

CUresult cuCtxSetCurrent(struct context *context);
CUresult cuCtxSetCurrent(struct context *context) {
    current = context;
    return context == NULL ? OK : enter(__func__);
}

CUresult cuCtxSynchronize(void);
CUresult cuCtxSynchronize(void) { return enter(__func__); }

// The memory of a device is an allocation of this process, so its addresses are real.
struct memory {
    char *start;
    size_t size;
};
static struct memory memories[64];

static bool is_inside(uint64_t address, size_t size) {
    for (size_t at = 0; at < sizeof memories / sizeof memories[0]; at++) {
        uint64_t start = (uintptr_t)memories[at].start;
        if (start != 0 && address >= start && size <= memories[at].size && address - start <= memories[at].size - size) {
            return true;
        }
    }
    return false;
}

CUresult cuMemAlloc_v2(uint64_t *address, size_t size);
CUresult cuMemAlloc_v2(uint64_t *address, size_t size) {
    CUresult fault = enter(__func__);
    if (fault != OK) return fault;
    if (size == 0) return INVALID_VALUE;
    for (size_t at = 0; at < sizeof memories / sizeof memories[0]; at++) {
        if (memories[at].start != NULL) continue;
        memories[at] = (struct memory){.start = calloc(1, size), .size = size};
        if (memories[at].start == NULL) return OUT_OF_MEMORY;
        *address = (uintptr_t)memories[at].start;
        return OK;
    }
    return OUT_OF_MEMORY;
}

CUresult cuMemFree_v2(uint64_t address);
CUresult cuMemFree_v2(uint64_t address) {
    CUresult fault = enter(__func__);
    if (fault != OK) return fault;
    for (size_t at = 0; at < sizeof memories / sizeof memories[0]; at++) {
        if (memories[at].start == NULL || (uintptr_t)memories[at].start != address) continue;
        free(memories[at].start);
        memories[at] = (struct memory){0};
        return OK;
    }
    return INVALID_VALUE;
}

CUresult cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t size);
CUresult cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t size) {
    CUresult fault = enter(__func__);
    if (fault != OK) return fault;
    if (!is_inside(to, size)) return INVALID_VALUE;
    memcpy((void *)(uintptr_t)to, from, size);
    return OK;
}

CUresult cuMemcpyDtoH_v2(void *to, uint64_t from, size_t size);
CUresult cuMemcpyDtoH_v2(void *to, uint64_t from, size_t size) {
    CUresult fault = enter(__func__);
    if (fault != OK) return fault;
    if (!is_inside(from, size)) return INVALID_VALUE;
    memcpy(to, (void *)(uintptr_t)from, size);
    if (size > 0 && sim_is_wrong(__func__, gpu_of[current->device])) *(char *)to ^= 1;
    return OK;
}

#ifndef STANDIN_WITHOUT_PEERS
static bool can_access(int device, int peer) {
    if (device == peer || sim_is_wrong("cuDeviceCanAccessPeer", gpu_of[device])) return false;
    return !sim_is_wrong("cuDeviceCanAccessPeer", gpu_of[peer]);
}

CUresult cuDeviceCanAccessPeer(int *answer, int device, int peer);
CUresult cuDeviceCanAccessPeer(int *answer, int device, int peer) {
    CUresult fault = enter_device(__func__, device);
    if (fault != OK) return fault;
    if (peer < 0 || peer >= devices) return INVALID_DEVICE;
    *answer = can_access(device, peer);
    return OK;
}

CUresult cuCtxEnablePeerAccess(struct context *peer, unsigned flags);
CUresult cuCtxEnablePeerAccess(struct context *peer, unsigned flags) {
    CUresult fault = enter(__func__);
    if (fault != OK) return fault;
    if (flags != 0) return INVALID_VALUE;
    if (peer == NULL || peer->references == 0) return INVALID_CONTEXT;
    if (!can_access(current->device, peer->device)) return PEER_ACCESS_UNSUPPORTED;
    if (uses_peer[current->device][peer->device]) return PEER_ACCESS_ALREADY_ENABLED;
    uses_peer[current->device][peer->device] = true;
    return OK;
}

// The faults of this function are those of the GPU from which it copies.
CUresult cuMemcpyPeer(
    uint64_t to, struct context *to_context, uint64_t from, struct context *from_context, size_t size
);
CUresult cuMemcpyPeer(
    uint64_t to, struct context *to_context, uint64_t from, struct context *from_context, size_t size
) {
    if (devices < 0) return NOT_INITIALIZED;
    if (to_context == NULL || to_context->references == 0) return INVALID_CONTEXT;
    if (from_context == NULL || from_context->references == 0) return INVALID_CONTEXT;
    CUresult fault = sim_fault(__func__, gpu_of[from_context->device]);
    if (fault != OK) return fault;
    if (!is_inside(to, size) || !is_inside(from, size)) return INVALID_VALUE;
    memcpy((void *)(uintptr_t)to, (void *)(uintptr_t)from, size);
    if (size > 0 && sim_is_wrong(__func__, gpu_of[from_context->device])) *(char *)(uintptr_t)to ^= 1;
    return OK;
}
#endif

// A kernel of the form that the agent uses: thread n writes `factor * n + summand` to element n of its parameter.
struct function {
    char name[64];
    unsigned factor, summand;
};
static struct function loaded;

CUresult cuModuleLoadData(struct function **module, const char *text);
CUresult cuModuleLoadData(struct function **module, const char *text) {
    CUresult fault = enter(__func__);
    if (fault != OK) return fault;
    const char *entry = strstr(text, ".visible .entry "), *formula = strstr(text, "mad.lo.u32 ");
    if (strncmp(text, ".version ", 9) != 0 || entry == NULL || formula == NULL ||
        sscanf(entry, ".visible .entry %63[A-Za-z0-9_](.param .u64 ", loaded.name) != 1 ||
        sscanf(formula, "mad.lo.u32 %%%*[a-z0-9], %%%*[a-z0-9], %u, %u;", &loaded.factor, &loaded.summand) != 2) {
        return INVALID_PTX;
    }
    *module = &loaded;
    return OK;
}

CUresult cuModuleGetFunction(struct function **function, struct function *module, const char *name);
CUresult cuModuleGetFunction(struct function **function, struct function *module, const char *name) {
    CUresult fault = enter(__func__);
    if (fault != OK) return fault;
    if (strcmp(name, module->name) != 0) return NOT_FOUND;
    *function = module;
    return OK;
}

CUresult cuModuleUnload(struct function *module);
CUresult cuModuleUnload(struct function *module) { return module == &loaded ? enter(__func__) : INVALID_VALUE; }

CUresult cuLaunchKernel(
    struct function *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
    unsigned block_z, unsigned shared_bytes, void *stream, void **parameters, void **extra
);
CUresult cuLaunchKernel(
    struct function *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
    unsigned block_z, unsigned shared_bytes, void *stream, void **parameters, void **extra
) {
    CUresult fault = enter(__func__);
    if (fault != OK) return fault;
    if (grid_x != 1 || grid_y != 1 || grid_z != 1 || block_x > 1024 || block_y != 1 || block_z != 1 || shared_bytes != 0 ||
        stream != NULL || parameters == NULL || extra != NULL) {
        return INVALID_VALUE;
    }
    uint64_t results = *(uint64_t *)parameters[0];
    if (!is_inside(results, block_x * sizeof(uint32_t))) return ILLEGAL_ADDRESS;
    bool is_wrong = sim_is_wrong(__func__, gpu_of[current->device]);
    for (unsigned thread = 0; thread < block_x; thread++) {
        ((uint32_t *)(uintptr_t)results)[thread] = function->factor * thread + function->summand + is_wrong;
    }
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
        {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
        {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
        {34, "CUDA_ERROR_STUB_LIBRARY"},
        {46, "CUDA_ERROR_DEVICE_UNAVAILABLE"},
        {NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
        {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
        {102, "CUDA_ERROR_DEVICE_NOT_LICENSED"},
        {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
        {PEER_ACCESS_UNSUPPORTED, "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED"},
        {INVALID_PTX, "CUDA_ERROR_INVALID_PTX"},
        {220, "CUDA_ERROR_NVLINK_UNCORRECTABLE"},
        {221, "CUDA_ERROR_JIT_COMPILER_NOT_FOUND"},
        {304, "CUDA_ERROR_OPERATING_SYSTEM"},
        {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
        {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
        {PEER_ACCESS_ALREADY_ENABLED, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED"},
        {719, "CUDA_ERROR_LAUNCH_FAILED"},
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
