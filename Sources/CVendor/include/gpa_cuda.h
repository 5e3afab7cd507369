// What the agent uses of the CUDA driver API: a table of its functions, filled by dlsym. Nothing is linked.

#ifndef GPA_CUDA_H
#define GPA_CUDA_H

#include <stddef.h>
#include <stdint.h>

#include "gpa_symbol.h"

// 0 for success; CUDA itself names the others.
typedef int32_t gpa_cuda_result_t;
// The number of a device among those that the process sees.
typedef int32_t gpa_cuda_device_t;
// An address in the memory of a device.
typedef uint64_t gpa_cuda_address_t;
typedef struct gpa_cuda_context *gpa_cuda_context_t;
typedef struct gpa_cuda_module *gpa_cuda_module_t;
typedef struct gpa_cuda_function *gpa_cuda_function_t;
typedef struct gpa_cuda_stream *gpa_cuda_stream_t;

// The functions: the name of the symbol without "cu", and the types of its parameters. All of them are in every driver
// since 470. The agent can do without an OPTIONAL one.
#define GPA_CUDA_FUNCTIONS(REQUIRED, OPTIONAL) \
    /* Reads CUDA_VISIBLE_DEVICES, once in the life of a process. */ \
    REQUIRED(Init, uint32_t flags) \
    REQUIRED(DeviceGetCount, int32_t *_Nonnull count) \
    /* The name is static; null when the code is not known. */ \
    REQUIRED(GetErrorName, gpa_cuda_result_t error, const char *_Nullable *_Nonnull name) \
    REQUIRED(DeviceGet, gpa_cuda_device_t *_Nonnull device, int32_t number) \
    /* All users of a device in one process share this context. */ \
    REQUIRED(DevicePrimaryCtxRetain, gpa_cuda_context_t _Nullable *_Nonnull context, gpa_cuda_device_t) \
    REQUIRED(DevicePrimaryCtxRelease_v2, gpa_cuda_device_t) \
    /* The context that the following calls of this thread use; null for none. */ \
    REQUIRED(CtxSetCurrent, gpa_cuda_context_t _Nullable) \
    /* Waits for the work of the context, and returns its error. */ \
    REQUIRED(CtxSynchronize, void) \
    REQUIRED(MemAlloc_v2, gpa_cuda_address_t *_Nonnull address, size_t size) \
    REQUIRED(MemFree_v2, gpa_cuda_address_t) \
    REQUIRED(MemcpyHtoD_v2, gpa_cuda_address_t to, const void *_Nonnull from, size_t size) \
    REQUIRED(MemcpyDtoH_v2, void *_Nonnull to, gpa_cuda_address_t from, size_t size) \
    /* The image is text in PTX with a null character at its end, which the driver compiles for the device. */ \
    REQUIRED(ModuleLoadData, gpa_cuda_module_t _Nullable *_Nonnull module, const void *_Nonnull image) \
    REQUIRED( \
        ModuleGetFunction, gpa_cuda_function_t _Nullable *_Nonnull function, gpa_cuda_module_t _Nonnull, \
        const char *_Nonnull name \
    ) \
    REQUIRED(ModuleUnload, gpa_cuda_module_t _Nonnull) \
    /* Each parameter is the address of a value. */ \
    REQUIRED( \
        LaunchKernel, gpa_cuda_function_t _Nonnull, uint32_t grid_x, uint32_t grid_y, uint32_t grid_z, \
        uint32_t block_x, uint32_t block_y, uint32_t block_z, uint32_t shared_bytes, gpa_cuda_stream_t _Nullable, \
        void *_Nullable *_Nullable parameters, void *_Nullable *_Nullable extra \
    ) \
    /* Whether a device can use the memory of another one: 1 or 0. */ \
    OPTIONAL(DeviceCanAccessPeer, int32_t *_Nonnull can_access, gpa_cuda_device_t device, gpa_cuda_device_t peer) \
    /* From now on, the current context can use the memory of the other one. The flags are 0. */ \
    OPTIONAL(CtxEnablePeerAccess, gpa_cuda_context_t _Nonnull peer, uint32_t flags) \
    /* Works without peer access, too, and then copies through the memory of the host. */ \
    OPTIONAL( \
        MemcpyPeer, gpa_cuda_address_t to, gpa_cuda_context_t _Nonnull to_context, gpa_cuda_address_t from, \
        gpa_cuda_context_t _Nonnull from_context, size_t size \
    )

typedef struct {
#define GPA_REQUIRED(name, ...) gpa_cuda_result_t (*_Nonnull name)(__VA_ARGS__);
#define GPA_OPTIONAL(name, ...) gpa_cuda_result_t (*_Nullable name)(__VA_ARGS__);
    GPA_CUDA_FUNCTIONS(GPA_REQUIRED, GPA_OPTIONAL)
#undef GPA_REQUIRED
#undef GPA_OPTIONAL
} gpa_cuda_functions_t;

// The symbols of the table, and how many there are.
const gpa_symbol_t *_Nonnull gpa_cuda_symbols(size_t *_Nonnull count);

#endif
