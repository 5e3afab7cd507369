// The hardware of a simulated host, read from the file `etc/gpu-sim/hardware` (README.md has its format).
//
// Each stand-in library includes this file, so that each library is built from one .c file.

#ifndef GPU_SIM_HARDWARE_H
#define GPU_SIM_HARDWARE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef STANDIN_VERSION
#error "STANDIN_VERSION is the driver version that this library is of"
#endif

#define SIM_GPUS 16
#define SIM_MIG_PER_GPU 7
#define SIM_NO_COMPUTE UINT_MAX
#define SIM_MIGS (SIM_GPUS * SIM_MIG_PER_GPU)
#define SIM_FAULTS 64
#define SIM_PROCESSES 2048
#define SIM_PROFILES 256
#define SIM_SETTINGS 16
#define SIM_TRAITS 96

// What a function of NVML answers about a GPU: the word `trait.NAME=VALUE` of the hardware file.
struct sim_trait {
    char name[32];
    char value[96];
};

struct sim_gpu {
    int number;
    char uuid[96];
    char name[96];
    unsigned domain, bus, device;
    unsigned id, subsystem;  // vendor in the high half, as in 10de2bb5
    unsigned long long memory_mib;
    int cc_major, cc_minor;
    int mig, pending_mig;    // -1: the GPU has no MIG; 0: off; 1: on
    int virtualization;      // nvmlGpuVirtualizationMode_t
    int license;             // -1: none is needed; 0: missing; 1: granted; 2: missing, with an end that does not apply
    char product[128];
    unsigned expiry[6];      // year, month, day, hour, minute and second; the year 0: the license has no end
    struct sim_trait traits[SIM_TRAITS];
    int trait_count;
};

// A MIG device. The compute instance is SIM_NO_COMPUTE for a GPU instance without one, which is no device.
struct sim_mig {
    int gpu, index;  // the GPU is -1 for a device that was removed
    char uuid[96];
    char profile[32];
    unsigned long long memory_mib;
    unsigned gi, ci;
    unsigned profile_id, start, size, ci_profile_id, ci_start, ci_size;
    unsigned sm, gi_slices, ci_slices, copy_engines, decoders, encoders, jpeg_engines, ofa_engines;
};

// A kind of GPU instance that a GPU can have. The number of the line is NVML's number of the profile.
struct sim_profile {
    int gpu, number;
    char name[96];
    unsigned id, slices, instances, sm;
    unsigned decoders, encoders, jpeg, ofa;
    unsigned long long memory_mib;
    char places[64];  // the places that the profile can have: 0,2,4:2
};

struct sim_process {
    int gpu;
    bool graphics;
    unsigned pid, gi, ci;                // UINT_MAX: not on a MIG device
    unsigned long long memory_mib;
};

struct sim_fault {
    char symbol[64];
    int gpu;  // -1: every GPU
    enum { SIM_CODE, SIM_COUNT, SIM_HANG, SIM_CRASH, SIM_FORK, SIM_EAT, SIM_SLEEP, SIM_WRONG, SIM_STUCK, SIM_NOISE } kind;
    int code;
    unsigned count;
    char version[24];  // empty: the libraries of every driver version
    bool counted;      // whether it is only in some of the calls, which the next three values choose
    unsigned after, times, chance;
    unsigned seed;     // of the chance and of the noise
};

struct sim_hardware {
    struct sim_gpu gpus[SIM_GPUS];
    struct sim_mig migs[SIM_MIGS];
    struct sim_fault faults[SIM_FAULTS];
    struct sim_process processes[SIM_PROCESSES];
    struct sim_profile profiles[SIM_PROFILES];
    int profile_count;
    struct sim_trait system[SIM_SETTINGS];
    int gpu_count, mig_count, fault_count, process_count, system_count;
};

enum sim_driver { SIM_DRIVER_ABSENT, SIM_DRIVER_OTHER_VERSION, SIM_DRIVER_LOADED };

static struct sim_hardware sim;

// Reads the next word of a line: `key`, and `value` (empty when there is no '='). A value may be in double quotes.
// Returns 1 for a word, 0 at the end of the line, and -1 for a quote without an end.
static int sim_word(char **line, char **key, char **value) {
    char *at = *line;
    while (*at == ' ' || *at == '\t') at++;
    if (*at == '\0' || *at == '\n' || *at == '#') return 0;
    *key = at;
    while (*at != '\0' && *at != '\n' && *at != ' ' && *at != '\t' && *at != '=') at++;
    *value = at;
    if (*at == '=') {
        *at++ = '\0';
        const char *stop = " \t\n";
        if (*at == '"') {
            at++;
            stop = "\"";
        }
        *value = at;
        at += strcspn(at, stop);
        if (*stop == '"' && *at != '"') return -1;
    }
    if (*at != '\0') *at++ = '\0';
    *line = at;
    return 1;
}

static bool sim_number(const char *text, int base, unsigned long long *number) {
    char *end = NULL;
    errno = 0;
    *number = strtoull(text, &end, base);
    return errno == 0 && end != text && *end == '\0' && *text != '-';
}

static bool sim_text(char *to, size_t capacity, const char *text) {
    if (strlen(text) >= capacity) return false;
    strcpy(to, text);
    return true;
}

static int sim_choice(const char *text, const char *const *names, int count) {
    for (int at = 0; at < count; at++) {
        if (strcmp(text, names[at]) == 0) return at;
    }
    return -1;
}

static bool sim_gpu_value(struct sim_gpu *gpu, const char *key, const char *value) {
    static const char *const switched[] = {"off", "on"};
    static const char *const licenses[] = {"unlicensed", "licensed", "not-applicable"};
    static const char *const modes[] = {"none", "passthrough", "vgpu", "host-vgpu", "host-vsga"};
    unsigned long long number = 0;
    if (strcmp(key, "uuid") == 0) return sim_text(gpu->uuid, sizeof gpu->uuid, value);
    if (strcmp(key, "name") == 0) return sim_text(gpu->name, sizeof gpu->name, value);
    if (strcmp(key, "product") == 0) return sim_text(gpu->product, sizeof gpu->product, value);
    if (strcmp(key, "pci") == 0) return sscanf(value, "%x:%x:%x.0", &gpu->domain, &gpu->bus, &gpu->device) == 3;
    if (strcmp(key, "cc") == 0) return sscanf(value, "%d.%d", &gpu->cc_major, &gpu->cc_minor) == 2;
    if (strcmp(key, "memoryMiB") == 0) return sim_number(value, 10, &gpu->memory_mib);
    if (strcmp(key, "id") == 0 || strcmp(key, "subsystem") == 0) {
        if (!sim_number(value, 16, &number) || number > UINT_MAX) return false;
        *(key[0] == 'i' ? &gpu->id : &gpu->subsystem) = (unsigned)number;
        return true;
    }
    if (strncmp(key, "trait.", 6) == 0) {
        if (gpu->trait_count == SIM_TRAITS) return false;
        struct sim_trait *trait = &gpu->traits[gpu->trait_count++];
        return sim_text(trait->name, sizeof trait->name, key + 6) && sim_text(trait->value, sizeof trait->value, value);
    }
    if (strcmp(key, "expiry") == 0) {
        unsigned *at = gpu->expiry;
        return sscanf(value, "%u-%u-%uT%u:%u:%uZ", at, at + 1, at + 2, at + 3, at + 4, at + 5) == 6;
    }
    if (strcmp(key, "mig") == 0) return (gpu->mig = sim_choice(value, switched, 2)) >= 0;
    if (strcmp(key, "pendingMig") == 0) return (gpu->pending_mig = sim_choice(value, switched, 2)) >= 0;
    if (strcmp(key, "virtualization") == 0) return (gpu->virtualization = sim_choice(value, modes, 5)) >= 0;
    if (strcmp(key, "license") == 0) return (gpu->license = sim_choice(value, licenses, 3)) >= 0;
    return false;
}

static bool sim_mig_value(struct sim_mig *mig, const char *key, const char *value) {
    if (strcmp(key, "uuid") == 0) return sim_text(mig->uuid, sizeof mig->uuid, value);
    if (strcmp(key, "profile") == 0) return sim_text(mig->profile, sizeof mig->profile, value);
    unsigned long long number = 0;
    if (!sim_number(value, 10, &number)) return false;
    if (strcmp(key, "memoryMiB") == 0) {
        mig->memory_mib = number;
        return true;
    }
    struct {
        const char *key;
        unsigned *to;
    } numbers[] = {
        {"index", (unsigned *)&mig->index}, {"gi", &mig->gi},
        {"ci", &mig->ci},                   {"sm", &mig->sm},
        {"giSlices", &mig->gi_slices},      {"ciSlices", &mig->ci_slices},
        {"copyEngines", &mig->copy_engines}, {"decoders", &mig->decoders},
        {"encoders", &mig->encoders},       {"jpegEngines", &mig->jpeg_engines},
        {"ofaEngines", &mig->ofa_engines},
        {"profileId", &mig->profile_id},    {"start", &mig->start},
        {"size", &mig->size},               {"ciProfileId", &mig->ci_profile_id},
        {"ciStart", &mig->ci_start},        {"ciSize", &mig->ci_size},
    };
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0]; at++) {
        if (strcmp(key, numbers[at].key) == 0) {
            *numbers[at].to = (unsigned)number;
            return true;
        }
    }
    return false;
}

static bool sim_fault_value(struct sim_fault *fault, const char *key, const char *value) {
    unsigned long long number = 0;
    static const char *const words[] = {"hang", "crash", "fork", "eat", "stuck"};
    static const int kinds[] = {SIM_HANG, SIM_CRASH, SIM_FORK, SIM_EAT, SIM_STUCK};
    int word = *value == '\0' ? sim_choice(key, words, 5) : -1;
    if (word >= 0) {
        fault->kind = kinds[word];
        return true;
    }
    if (strcmp(key, "wrong") == 0 && *value == '\0') {
        fault->kind = SIM_WRONG;
        return true;
    }
    if (strcmp(key, "version") == 0) return sim_text(fault->version, sizeof fault->version, value);
    if (!sim_number(value, 10, &number) || number > UINT_MAX) return false;
    if (strcmp(key, "sleep") == 0) {
        fault->kind = SIM_SLEEP;
        fault->count = (unsigned)number;
        return true;
    }
    if (strcmp(key, "count") == 0) {
        fault->kind = SIM_COUNT;
        fault->count = (unsigned)number;
        return true;
    }
    if (strcmp(key, "code") == 0) {
        fault->code = (int)number;
        return true;
    }
    if (strcmp(key, "noise") == 0) {
        fault->kind = SIM_NOISE;
        fault->seed = (unsigned)number;
        return true;
    }
    if (strcmp(key, "seed") == 0) {
        fault->seed = (unsigned)number;
        return true;
    }
    if (strcmp(key, "after") == 0 || strcmp(key, "times") == 0 || strcmp(key, "chance") == 0) {
        fault->counted = true;
        *(key[0] == 'a' ? &fault->after : key[0] == 't' ? &fault->times : &fault->chance) = (unsigned)number;
        return fault->chance <= 100;
    }
    if (strcmp(key, "gpu") == 0) {
        fault->gpu = (int)number;
        return true;
    }
    return false;
}

#include "hardware-lists.h"

static int sim_migs_of(int gpu) {
    int count = 0;
    for (int at = 0; at < sim.mig_count; at++) count += sim.migs[at].gpu == gpu;
    return count;
}

static bool sim_line(char *line) {
    char *key = NULL, *value = NULL;
    int word = sim_word(&line, &key, &value);
    if (word <= 0) return word == 0;
    char *kind = key;
    if (sim_word(&line, &key, &value) != 1) return false;
    unsigned long long number = 0;

    if (strcmp(kind, "gpu") == 0) {
        if (sim.gpu_count == SIM_GPUS || !sim_number(key, 10, &number) || (int)number != sim.gpu_count) return false;
        struct sim_gpu *gpu = &sim.gpus[sim.gpu_count++];
        *gpu = (struct sim_gpu){.number = (int)number, .mig = -1, .pending_mig = -1, .license = -1};
        while ((word = sim_word(&line, &key, &value)) == 1) {
            if (!sim_gpu_value(gpu, key, value)) return false;
        }
        if (gpu->pending_mig < 0) gpu->pending_mig = gpu->mig;
        return word == 0;
    }
    if (strcmp(kind, "mig") == 0) {
        if (!sim_number(key, 10, &number) || (int)number >= sim.gpu_count) return false;
        int index = sim_migs_of((int)number);
        if (index == SIM_MIG_PER_GPU) return false;
        struct sim_mig *mig = &sim.migs[sim.mig_count++];
        *mig = (struct sim_mig){.gpu = (int)number, .index = index};
        while ((word = sim_word(&line, &key, &value)) == 1) {
            if (!sim_mig_value(mig, key, value)) return false;
        }
        return word == 0 && mig->index < SIM_MIG_PER_GPU;
    }
    if (strcmp(kind, "profile") == 0 || strcmp(kind, "process") == 0 || strcmp(kind, "mode") == 0) {
        if (!sim_number(key, 10, &number) || (int)number >= sim.gpu_count) return false;
        if (kind[0] == 'm') return sim_mode_line((int)number, line);
        return kind[3] == 'f' ? sim_profile_line((int)number, line) : sim_process_line((int)number, line);
    }
    if (strcmp(kind, "system") == 0) return sim_system_line(key, value, line);
    if (strcmp(kind, "fault") == 0) {
        if (sim.fault_count == SIM_FAULTS) return false;
        struct sim_fault *fault = &sim.faults[sim.fault_count++];
        *fault = (struct sim_fault){.gpu = -1, .kind = SIM_CODE, .times = UINT_MAX, .chance = 100};
        if (!sim_text(fault->symbol, sizeof fault->symbol, key)) return false;
        while ((word = sim_word(&line, &key, &value)) == 1) {
            if (!sim_fault_value(fault, key, value)) return false;
        }
        return word == 0;
    }
    return false;
}

// The root directory of the host that this library belongs to: the nearest directory above the library's own file that
// contains the hardware file. This uses the path with which the library was opened, so it also works through
// /proc/PID/root.
static bool sim_root(char *root, size_t capacity) {
    Dl_info info;
    if (dladdr((void *)&sim, &info) == 0 || info.dli_fname == NULL) return false;
    char directory[PATH_MAX];
    if (!sim_text(directory, sizeof directory, info.dli_fname)) return false;
    char *slash;
    while ((slash = strrchr(directory, '/')) != NULL) {
        *slash = '\0';
        if (snprintf(root, capacity, "%s/etc/gpu-sim/hardware", directory) >= (int)capacity) return false;
        if (access(root, F_OK) == 0) return sim_text(root, capacity, directory);
    }
    return false;
}

// The root directory of the host, after sim_load.
static char sim_host[PATH_MAX];
// Whether the host has a tree of the PCI bus. Without one, it loses no GPU, and a call need not look.
static bool sim_has_bus;

// Whether the GPU fell off the bus: its configuration space reads as all ones.
static bool sim_is_lost(const struct sim_gpu *gpu) {
    char path[PATH_MAX + 80];
    unsigned char start[4] = {0};
    if (!sim_has_bus) return false;
    snprintf(
        path, sizeof path, "%s/sys/bus/pci/devices/%04x:%02x:%02x.0/config", sim_host, gpu->domain, gpu->bus,
        gpu->device
    );
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    size_t count = fread(start, 1, sizeof start, file);
    fclose(file);
    return count == sizeof start && memcmp(start, "\xff\xff\xff\xff", sizeof start) == 0;
}

// Reads a file of lines. A missing file is empty when it may be missing. A faulty file is named on standard error: -1.
static int sim_read(const char *name, bool may_be_missing) {
    char path[PATH_MAX + 32], line[8192];
    snprintf(path, sizeof path, "%s/etc/gpu-sim/%s", sim_host, name);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        if (may_be_missing && errno == ENOENT) return 0;
        fprintf(stderr, "gpu-sim: %s: %s\n", path, strerror(errno));
        return -1;
    }
    // The file of changes has all MIG devices.
    if (may_be_missing) sim.mig_count = 0;
    for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        if (!sim_line(line)) {
            fprintf(stderr, "gpu-sim: %s:%d: not understood\n", path, number);
            fclose(file);
            return -1;
        }
    }
    fclose(file);
    return 0;
}

// Reads the hardware and what was changed of its MIG layout, and says whether the driver is loaded.
static int sim_load(enum sim_driver *driver) {
    char path[PATH_MAX + 32], line[8192];
    memset(&sim, 0, sizeof sim);
    *driver = SIM_DRIVER_ABSENT;
    if (!sim_root(sim_host, sizeof sim_host)) return 0;
    snprintf(path, sizeof path, "%s/sys/bus/pci/devices", sim_host);
    sim_has_bus = access(path, F_OK) == 0;

    if (sim_read("hardware", false) != 0 || sim_read("mig-layout", true) != 0) return -1;

    snprintf(path, sizeof path, "%s/sys/module/nvidia/version", sim_host);
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    if (fgets(line, sizeof line, file) == NULL) line[0] = '\0';
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    *driver = strcmp(line, STANDIN_VERSION) == 0 ? SIM_DRIVER_LOADED : SIM_DRIVER_OTHER_VERSION;
    return 0;
}

#include "faults.h"

// The value of a trait of a GPU; NULL when the GPU does not have it.
__attribute__((unused)) static const char *sim_trait(const struct sim_gpu *gpu, const char *name) {
    for (int at = 0; at < gpu->trait_count; at++) {
        if (strcmp(gpu->traits[at].name, name) == 0) return gpu->traits[at].value;
    }
    return NULL;
}

// The CUDA version that each driver branch includes, as major * 1000 + minor * 10.
__attribute__((unused)) static int sim_cuda_version(void) {
    static const int branches[][2] = {
        {535, 12020}, {550, 12040}, {570, 12080}, {575, 12090}, {580, 13000}, {590, 13010}, {595, 13020},
    };
    int branch = atoi(STANDIN_VERSION), version = 11040;
    for (size_t at = 0; at < sizeof branches / sizeof branches[0]; at++) {
        if (branch >= branches[at][0]) version = branches[at][1];
    }
    return version;
}

#endif
