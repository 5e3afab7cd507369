// The symbols of NVML, CUDA and Vulkan that the agent looks up.

#include "gpa_cuda.h"
#include "gpa_nvml.h"
#include "gpa_vulkan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define REQUIRED(name, ...) {"nvml" #name, offsetof(gpa_nvml_functions_t, name), true},
#define OPTIONAL(name, ...) {"nvml" #name, offsetof(gpa_nvml_functions_t, name), false},
static const gpa_symbol_t nvml[] = {GPA_NVML_FUNCTIONS(REQUIRED, OPTIONAL)};
#undef REQUIRED
#undef OPTIONAL

#define REQUIRED(name, ...) {"cu" #name, offsetof(gpa_cuda_functions_t, name), true},
#define OPTIONAL(name, ...) {"cu" #name, offsetof(gpa_cuda_functions_t, name), false},
static const gpa_symbol_t cuda[] = {GPA_CUDA_FUNCTIONS(REQUIRED, OPTIONAL)};
#undef REQUIRED
#undef OPTIONAL

const gpa_symbol_t *gpa_nvml_symbols(size_t *count) {
    *count = COUNT(nvml);
    return nvml;
}

const gpa_symbol_t *gpa_cuda_symbols(size_t *count) {
    *count = COUNT(cuda);
    return cuda;
}

#define SYMBOL(result, name, ...) {"vk" #name, offsetof(gpa_vulkan_functions_t, name), true},
static const gpa_symbol_t vulkan[] = {GPA_VULKAN_FUNCTIONS(SYMBOL)};
#undef SYMBOL

const gpa_symbol_t *gpa_vulkan_symbols(size_t *count) {
    *count = COUNT(vulkan);
    return vulkan;
}
