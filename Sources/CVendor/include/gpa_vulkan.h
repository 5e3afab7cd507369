// What the agent uses of Vulkan: our own declarations of its types, with the layouts of the headers of Khronos, and a table
// of functions, filled by dlsym. Nothing is linked. All of the functions are in Vulkan 1.1, and the loader exports them.

#ifndef GPA_VULKAN_H
#define GPA_VULKAN_H

#include <stdint.h>

#include "gpa_symbol.h"

// 0 for success; a negative code is an error.
typedef int32_t gpa_vulkan_result_t;
typedef struct gpa_vulkan_instance *gpa_vulkan_instance_t;
typedef struct gpa_vulkan_gpu *gpa_vulkan_gpu_t;
typedef struct gpa_vulkan_device *gpa_vulkan_device_t;

// The values of `type`, with which each struct begins (VkStructureType).
enum {
    GPA_VULKAN_APPLICATION_INFO = 0,
    GPA_VULKAN_INSTANCE_INFO = 1,
    GPA_VULKAN_QUEUE_INFO = 2,
    GPA_VULKAN_DEVICE_INFO = 3,
    GPA_VULKAN_PROPERTIES_2 = 1000059001,
    GPA_VULKAN_ID_PROPERTIES = 1000071004,
    GPA_VULKAN_PCI_PROPERTIES = 1000212000,
};

typedef struct {
    int32_t type;
    const void *_Nullable next;
    const char *_Nullable application_name;
    uint32_t application_version;
    const char *_Nullable engine_name;
    uint32_t engine_version;
    // Major version in the bits from 22 on, minor version in those from 12 on.
    uint32_t api_version;
} gpa_vulkan_application_info_t;

typedef struct {
    int32_t type;
    const void *_Nullable next;
    uint32_t flags;
    const gpa_vulkan_application_info_t *_Nullable application;
    uint32_t layer_count;
    const char *_Nullable const *_Nullable layers;
    uint32_t extension_count;
    const char *_Nullable const *_Nullable extensions;
} gpa_vulkan_instance_info_t;

typedef struct {
    uint32_t api_version;
    uint32_t driver_version;
    uint32_t vendor_id;
    uint32_t device_id;
    // 1 integrated, 2 discrete, 3 virtual GPU, 4 processor.
    int32_t device_type;
    char device_name[256];
    uint8_t cache_uuid[16];
    // Limits and features that the agent does not use.
    uint64_t rest[66];
} gpa_vulkan_properties_t;

typedef struct {
    int32_t type;
    void *_Nullable next;
    gpa_vulkan_properties_t properties;
} gpa_vulkan_properties_2_t;

typedef struct {
    int32_t type;
    void *_Nullable next;
    // On NVIDIA's GPUs, the bytes of the UUID that NVML reports.
    uint8_t device_uuid[16];
    uint8_t driver_uuid[16];
    uint8_t device_luid[8];
    uint32_t node_mask;
    uint32_t has_luid;
} gpa_vulkan_id_properties_t;

// From the extension VK_EXT_pci_bus_info. A driver that does not know it leaves the struct as it is.
typedef struct {
    int32_t type;
    void *_Nullable next;
    uint32_t domain;
    uint32_t bus;
    uint32_t device;
    uint32_t function;
} gpa_vulkan_pci_properties_t;

typedef struct {
    // 1 for graphics, 2 for computing.
    uint32_t flags;
    uint32_t count;
    uint32_t timestamp_bits;
    uint32_t granularity[3];
} gpa_vulkan_queue_family_t;

typedef struct {
    int32_t type;
    const void *_Nullable next;
    uint32_t flags;
    uint32_t family;
    uint32_t count;
    const float *_Nullable priorities;
} gpa_vulkan_queue_info_t;

typedef struct {
    int32_t type;
    const void *_Nullable next;
    uint32_t flags;
    uint32_t queue_info_count;
    const gpa_vulkan_queue_info_t *_Nullable queue_infos;
    uint32_t layer_count;
    const char *_Nullable const *_Nullable layers;
    uint32_t extension_count;
    const char *_Nullable const *_Nullable extensions;
    const void *_Nullable features;
} gpa_vulkan_device_info_t;

// The functions: the result, the name of the symbol without "vk", and the types of its parameters.
#define GPA_VULKAN_FUNCTIONS(FUNCTION) \
    FUNCTION( \
        gpa_vulkan_result_t, CreateInstance, const gpa_vulkan_instance_info_t *_Nonnull, const void *_Nullable allocator, \
        gpa_vulkan_instance_t _Nullable *_Nonnull \
    ) \
    FUNCTION(void, DestroyInstance, gpa_vulkan_instance_t _Nonnull, const void *_Nullable allocator) \
    /* Without an array, it counts. */ \
    FUNCTION( \
        gpa_vulkan_result_t, EnumeratePhysicalDevices, gpa_vulkan_instance_t _Nonnull, uint32_t *_Nonnull count, \
        gpa_vulkan_gpu_t _Nullable *_Nullable \
    ) \
    FUNCTION(void, GetPhysicalDeviceProperties2, gpa_vulkan_gpu_t _Nonnull, gpa_vulkan_properties_2_t *_Nonnull) \
    FUNCTION( \
        void, GetPhysicalDeviceQueueFamilyProperties, gpa_vulkan_gpu_t _Nonnull, uint32_t *_Nonnull count, \
        gpa_vulkan_queue_family_t *_Nullable \
    ) \
    FUNCTION( \
        gpa_vulkan_result_t, CreateDevice, gpa_vulkan_gpu_t _Nonnull, const gpa_vulkan_device_info_t *_Nonnull, \
        const void *_Nullable allocator, gpa_vulkan_device_t _Nullable *_Nonnull \
    ) \
    FUNCTION(void, DestroyDevice, gpa_vulkan_device_t _Nonnull, const void *_Nullable allocator)

typedef struct {
#define GPA_MEMBER(result, name, ...) result (*_Nonnull name)(__VA_ARGS__);
    GPA_VULKAN_FUNCTIONS(GPA_MEMBER)
#undef GPA_MEMBER
} gpa_vulkan_functions_t;

// The symbols of the table, and how many there are.
const gpa_symbol_t *_Nonnull gpa_vulkan_symbols(size_t *_Nonnull count);

#endif
