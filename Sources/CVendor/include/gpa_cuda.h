// What the agent uses of the CUDA driver API: a table of its functions, filled by dlsym. Nothing is linked.
// All of them are in every driver since 470.

#ifndef GPA_CUDA_H
#define GPA_CUDA_H

#include <stdint.h>

#include "gpa_symbol.h"

// 0 for success; CUDA itself names the others.
typedef int32_t gpa_cuda_result_t;

// The functions: the name of the symbol without "cu", and the types of its parameters.
#define GPA_CUDA_FUNCTIONS(REQUIRED) \
    /* Reads CUDA_VISIBLE_DEVICES, once in the life of a process. */ \
    REQUIRED(Init, uint32_t flags) \
    REQUIRED(DeviceGetCount, int32_t *_Nonnull count) \
    /* The name is static; null when the code is not known. */ \
    REQUIRED(GetErrorName, gpa_cuda_result_t error, const char *_Nullable *_Nonnull name)

typedef struct {
#define GPA_REQUIRED(name, ...) gpa_cuda_result_t (*_Nonnull name)(__VA_ARGS__);
    GPA_CUDA_FUNCTIONS(GPA_REQUIRED)
#undef GPA_REQUIRED
} gpa_cuda_functions_t;

// The symbols of the table, and how many there are.
const gpa_symbol_t *_Nonnull gpa_cuda_symbols(size_t *_Nonnull count);

#endif
