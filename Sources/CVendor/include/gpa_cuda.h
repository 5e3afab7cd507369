// What the agent uses of the CUDA driver API: a table of its functions, filled by dlsym. Nothing is linked.
//
// The name of a member is the name of the symbol without "cu". All of them are in every driver since 470.

#ifndef GPA_CUDA_H
#define GPA_CUDA_H

#include <stdint.h>

// 0 for success; CUDA itself names the others.
typedef int32_t gpa_cuda_result_t;

typedef struct {
    // Reads CUDA_VISIBLE_DEVICES, once in the life of a process.
    gpa_cuda_result_t (*_Nonnull Init)(uint32_t flags);
    gpa_cuda_result_t (*_Nonnull DeviceGetCount)(int32_t *_Nonnull count);
    // The name is static; null when the code is not known.
    gpa_cuda_result_t (*_Nonnull GetErrorName)(gpa_cuda_result_t error, const char *_Nullable *_Nonnull name);
} gpa_cuda_functions_t;

#endif
