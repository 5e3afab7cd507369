// The layouts of NVML's structs, as compiled from NVIDIA's headers 12.9 and 13.5; both have the same, on x86-64 and on
// aarch64. A test compares them with the real header.

#include <stddef.h>

#include "gpa_cuda.h"
#include "gpa_nvml.h"

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#define OFFSET(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #type "." #member)

SIZE(gpa_nvml_pci_info_t, 68);
OFFSET(gpa_nvml_pci_info_t, domain, 16);
OFFSET(gpa_nvml_pci_info_t, pci_device_id, 28);
OFFSET(gpa_nvml_pci_info_t, bus_id, 36);

SIZE(gpa_nvml_memory_t, 24);
OFFSET(gpa_nvml_memory_t, used, 16);

SIZE(gpa_nvml_memory_v2_t, 40);
OFFSET(gpa_nvml_memory_v2_t, total, 8);
OFFSET(gpa_nvml_memory_v2_t, used, 32);

SIZE(gpa_nvml_device_attributes_t, 40);
OFFSET(gpa_nvml_device_attributes_t, gpu_instance_slice_count, 24);
OFFSET(gpa_nvml_device_attributes_t, memory_size_mib, 32);

SIZE(gpa_nvml_grid_license_expiry_t, 16);
OFFSET(gpa_nvml_grid_license_expiry_t, status, 14);

SIZE(gpa_nvml_grid_licensable_feature_t, 284);
OFFSET(gpa_nvml_grid_licensable_feature_t, product_name, 136);
OFFSET(gpa_nvml_grid_licensable_feature_t, license_expiry, 268);

SIZE(gpa_nvml_grid_licensable_features_t, 860);
OFFSET(gpa_nvml_grid_licensable_features_t, grid_licensable_features, 8);

// Tables of function pointers: no padding, however many functions they have.
_Static_assert(sizeof(gpa_nvml_functions_t) % sizeof(void (*)(void)) == 0, "gpa_nvml_functions_t");
_Static_assert(sizeof(gpa_cuda_functions_t) % sizeof(void (*)(void)) == 0, "gpa_cuda_functions_t");
