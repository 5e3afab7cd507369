// A stand-in for the Vulkan loader libvulkan.so.1 with NVIDIA's driver: it lists the GPUs of the hardware file, and creates
// a device on each (README.md). The structs have the layouts of the headers of Khronos.

#include "hardware.h"

#include <stdint.h>

enum { OK = 0, INITIALIZATION_FAILED = -3, INCOMPATIBLE_DRIVER = -9 };

struct instance_info {
    int32_t type;
    const void *next;
    uint32_t flags;
    const void *application;
    uint32_t layers;
};

struct properties_2 {
    int32_t type;
    void *next;
    uint32_t api, driver, vendor, device;
    int32_t kind;
    char name[256];
    uint8_t cache[16];
    uint8_t rest[532];
};

struct id_properties {
    int32_t type;
    void *next;
    uint8_t uuid[16];
};

struct pci_properties {
    int32_t type;
    void *next;
    uint32_t domain, bus, device, function;
};

struct queue_family {
    uint32_t flags, count, bits, granularity[3];
};

static int instance;

// The error that the hardware file asks for; Vulkan has negative codes.
static int fault(const char *symbol, int gpu) { return -sim_fault(symbol, gpu); }

static int number_of(const void *gpu) { return (int)((const struct sim_gpu *)gpu - sim.gpus); }

// Loads the library that the file names, as the real loader does.
static bool loads_driver(const char *path) {
    char text[4096], name[256];
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    if (file == NULL) return false;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *key = strstr(text, "\"library_path\"");
    return key != NULL && sscanf(key, "\"library_path\" : \"%255[^\"]\"", name) == 1 && dlopen(name, RTLD_LAZY) != NULL;
}

static bool has_modeset(void) {
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/sys/module/nvidia_modeset", sim_host);
    return access(path, F_OK) == 0;
}

int vkCreateInstance(const struct instance_info *info, const void *allocator, void **out) {
    (void)allocator;
    if (info->type != 1) return INITIALIZATION_FAILED;
    enum sim_driver driver;
    if (sim_load(&driver) != 0 || driver != SIM_DRIVER_LOADED) return INCOMPATIBLE_DRIVER;
    if (!loads_driver(getenv("VK_DRIVER_FILES"))) return INCOMPATIBLE_DRIVER;
    int code = fault("vkCreateInstance", -1);
    if (code != 0) return code;
    *out = &instance;
    return OK;
}

void vkDestroyInstance(void *handle, const void *allocator) {
    (void)handle;
    (void)allocator;
    fault("vkDestroyInstance", -1);
}

int vkEnumeratePhysicalDevices(void *handle, uint32_t *count, void **out) {
    (void)handle;
    int code = fault("vkEnumeratePhysicalDevices", -1);
    if (code != 0) return code;
    if (!has_modeset()) return INITIALIZATION_FAILED;
    uint32_t found = 0;
    for (int at = 0; at < sim.gpu_count; at++) {
        if (sim_is_lost(&sim.gpus[at])) continue;
        if (out != NULL && found < *count) out[found] = &sim.gpus[at];
        found++;
    }
    *count = sim_count("vkEnumeratePhysicalDevices", found);
    return OK;
}

void vkGetPhysicalDeviceProperties2(void *gpu, struct properties_2 *out) {
    const struct sim_gpu *of = gpu;
    fault("vkGetPhysicalDeviceProperties2", number_of(gpu));
    out->vendor = of->id >> 16;
    out->device = of->id & 0xffff;
    out->kind = 2;
    snprintf(out->name, sizeof out->name, "%s", of->name);
    struct id_properties *identity = out->next;
    if (identity == NULL || identity->type != 1000071004) return;
    // The digits after GPU-, without the dashes.
    const char *digit = of->uuid + 4;
    for (int at = 0; at < 16; at++) {
        unsigned byte = 0;
        while (*digit == '-') digit++;
        if (sscanf(digit, "%2x", &byte) == 1) digit += 2;
        identity->uuid[at] = (uint8_t)byte;
    }
    struct pci_properties *place = identity->next;
    if (place == NULL || place->type != 1000212000) return;
    place->domain = of->domain;
    place->bus = of->bus;
    place->device = of->device;
    place->function = 0;
}

void vkGetPhysicalDeviceQueueFamilyProperties(void *gpu, uint32_t *count, struct queue_family *out) {
    fault("vkGetPhysicalDeviceQueueFamilyProperties", number_of(gpu));
    if (out != NULL && *count >= 2) {
        out[0] = (struct queue_family){.flags = 2, .count = 8};
        out[1] = (struct queue_family){.flags = 3, .count = 16};
    }
    *count = 2;
}

struct queue_info {
    int32_t type;
    const void *next;
    uint32_t flags, family, count;
    const float *priorities;
};

struct device_info {
    int32_t type;
    const void *next;
    uint32_t flags, queues;
    const struct queue_info *queue;
};

int vkCreateDevice(void *gpu, const struct device_info *info, const void *allocator, void **out) {
    (void)allocator;
    // The second family is the one that draws.
    bool right = info->type == 3 && info->queues == 1 && info->queue->type == 2 && info->queue->family == 1
        && info->queue->count == 1 && info->queue->priorities[0] == 1;
    if (!right) return INITIALIZATION_FAILED;
    int code = fault("vkCreateDevice", number_of(gpu));
    if (code != 0) return code;
    *out = gpu;
    return OK;
}

void vkDestroyDevice(void *gpu, const void *allocator) {
    (void)allocator;
    fault("vkDestroyDevice", number_of(gpu));
}
