// The functions of NVML that wait for events. The events are in the file `events` (README.md). Part of libnvidia-ml.c.

#ifndef GPU_SIM_NVML_EVENTS_H
#define GPU_SIM_NVML_EVENTS_H

typedef struct event_set *nvmlEventSet_t;

typedef struct {
    nvmlDevice_t device;
    unsigned long long eventType, eventData;
    unsigned int gpuInstanceId, computeInstanceId;
} nvmlEventData_t;

#define EVENT_XID 0x8ull
#define EVENT_MIG 0x100ull

// The types of events that each GPU is registered for. There is one set in a process.
static struct event_set {
    bool is_open;
    unsigned long long types[SIM_GPUS];
} event_set;

static unsigned long long supported_events(const struct sim_gpu *gpu) {
    const char *value = sim_trait(gpu, "eventTypes");
    return value == NULL ? 0x1fe | EVENT_XID : strtoull(value, NULL, 0);
}

NVML(nvmlEventSetCreate, nvmlEventSet_t *set) {
    ENTER();
    if (set == NULL) return INVALID_ARGUMENT;
    if (event_set.is_open) return INSUFFICIENT_RESOURCES;
    memset(&event_set, 0, sizeof event_set);
    event_set.is_open = true;
    *set = &event_set;
    return OK;
}

NVML(nvmlEventSetFree, nvmlEventSet_t set) {
    ENTER();
    if (set != &event_set || !event_set.is_open) return INVALID_ARGUMENT;
    event_set.is_open = false;
    return OK;
}

NVML(nvmlDeviceGetSupportedEventTypes, nvmlDevice_t device, unsigned long long *types) {
    ENTER_DEVICE(device, types);
    if (gpu_of(device) == NULL) return INVALID_ARGUMENT;
    *types = supported_events(gpu_of(device));
    return OK;
}

NVML(nvmlDeviceRegisterEvents, nvmlDevice_t device, unsigned long long types, nvmlEventSet_t set) {
    ENTER_DEVICE(device, set);
    const struct sim_gpu *gpu = gpu_of(device);
    if (gpu == NULL || set != &event_set || !event_set.is_open) return INVALID_ARGUMENT;
    if ((types & ~supported_events(gpu)) != 0) return NOT_SUPPORTED;
    event_set.types[gpu->number] |= types;
    return OK;
}

// Reads or writes how many bytes of the events were reported.
static long events_read(long position) {
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/etc/gpu-sim/events-read", sim_host);
    FILE *file = fopen(path, position < 0 ? "re" : "we");
    if (file == NULL) return 0;
    if (position >= 0) fprintf(file, "%ld\n", position);
    else if (fscanf(file, "%ld", &position) != 1) position = 0;
    fclose(file);
    return position;
}

// Takes the next line of the file. Returns 1 for an event that the set waits for, 0 when there is none, and -1 for a line
// that is not understood.
static int next_event(nvmlEventData_t *data) {
    char path[PATH_MAX + 64], line[256];
    snprintf(path, sizeof path, "%s/etc/gpu-sim/events", sim_host);
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    int found = 0;
    fseek(file, events_read(-1), SEEK_SET);
    while (found == 0 && fgets(line, sizeof line, file) != NULL && strchr(line, '\n') != NULL) {
        events_read(ftell(file));
        unsigned gpu = 0, code = 0, gi = UINT_MAX, ci = UINT_MAX;
        unsigned long long type = EVENT_XID;
        if (sscanf(line, "xid %u %u %u %u", &gpu, &code, &gi, &ci) < 2) {
            type = EVENT_MIG;
            if (sscanf(line, "mig %u", &gpu) != 1) found = -1;
        }
        if (gpu >= (unsigned)sim.gpu_count) found = -1;
        if (found < 0 || (event_set.types[gpu] & type) == 0) continue;
        *data = (nvmlEventData_t){(nvmlDevice_t)(void *)&sim.gpus[gpu], type, code, gi, ci};
        found = 1;
    }
    fclose(file);
    return found;
}

static nvmlReturn_t wait_for_event(nvmlEventSet_t set, nvmlEventData_t *data, unsigned int milliseconds) {
    if (set != &event_set || !event_set.is_open || data == NULL) return INVALID_ARGUMENT;
    for (unsigned int waited = 0;; waited += 20) {
        int found = next_event(data);
        if (found != 0) return found > 0 ? OK : UNKNOWN;
        if (waited >= milliseconds) return TIMEOUT;
        usleep(20000);
    }
}

#ifndef STANDIN_OLD
NVML(nvmlEventSetWait_v2, nvmlEventSet_t set, nvmlEventData_t *data, unsigned int milliseconds) {
    ENTER();
    return wait_for_event(set, data, milliseconds);
}
#endif

// As in the real library, the members with the instances of MIG stay as they are.
NVML(nvmlEventSetWait, nvmlEventSet_t set, nvmlEventData_t *data, unsigned int milliseconds) {
    ENTER();
    nvmlEventData_t found = {0};
    nvmlReturn_t result = wait_for_event(set, &found, milliseconds);
    if (result != OK) return result;
    if (data == NULL) return INVALID_ARGUMENT;
    data->device = found.device;
    data->eventType = found.eventType;
    data->eventData = found.eventData;
    return OK;
}

#endif
