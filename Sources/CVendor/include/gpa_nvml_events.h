// The types of NVML's events: our own declarations, with the layouts of NVIDIA's header.

#ifndef GPA_NVML_EVENTS_H
#define GPA_NVML_EVENTS_H

#include <stdint.h>

// A set of the events that a process waits for.
typedef struct gpa_nvml_event_set *gpa_nvml_event_set_t;

// The types of events, of which each is a bit: an Xid, and a change of the MIG mode or of a MIG device.
static const uint64_t GPA_NVML_EVENT_XID = 0x8;
static const uint64_t GPA_NVML_EVENT_MIG = 0x100;

typedef struct {
    struct gpa_nvml_device *_Nullable device;
    // One of GPA_NVML_EVENT_*.
    uint64_t type;
    // The number of the Xid, and 999 for one that the library does not know; 0 for other types.
    uint64_t data;
    // UINT32_MAX when the Xid is not of one instance of MIG.
    uint32_t gpu_instance;
    uint32_t compute_instance;
} gpa_nvml_event_data_t;

#endif
