// The layouts of NVML's structs, as compiled from NVIDIA's headers 12.9 and 13.5; both have the same, on x86-64 and on
// aarch64. A test compares them with the real header.

#include <stddef.h>

#include "gpa_cuda.h"
#include "gpa_nvml.h"
#include "gpa_vulkan.h"

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

SIZE(gpa_nvml_bar1_memory_t, 24);
SIZE(gpa_nvml_field_value_t, 40);
OFFSET(gpa_nvml_field_value_t, value_type, 24);
OFFSET(gpa_nvml_field_value_t, value, 32);

SIZE(gpa_nvml_ecc_sram_t, 104);
OFFSET(gpa_nvml_ecc_sram_t, threshold_exceeded, 96);

SIZE(gpa_nvml_repair_status_t, 12);
SIZE(gpa_nvml_temperature_t, 12);
SIZE(gpa_nvml_utilization_t, 8);

SIZE(gpa_nvml_fabric_info_t, 28);
OFFSET(gpa_nvml_fabric_info_t, state, 24);
SIZE(gpa_nvml_fabric_info_v3_t, 40);
OFFSET(gpa_nvml_fabric_info_v3_t, health_mask, 32);
SIZE(gpa_nvml_gpu_instance_info_t, 24);
SIZE(gpa_nvml_compute_instance_info_t, 32);
SIZE(gpa_nvml_gpu_instance_profile_t, 152);
OFFSET(gpa_nvml_gpu_instance_profile_t, memory_size_mib, 48);
OFFSET(gpa_nvml_gpu_instance_profile_t, name, 56);
SIZE(gpa_nvml_gpu_instance_profile_v1_t, 48);
OFFSET(gpa_nvml_gpu_instance_profile_v1_t, memory_size_mib, 40);
SIZE(gpa_nvml_compute_instance_profile_t, 36);
SIZE(gpa_nvml_process_info_t, 24);
SIZE(gpa_nvml_conf_compute_state_t, 12);
SIZE(gpa_nvml_conf_compute_settings_t, 20);

SIZE(gpa_nvml_event_data_t, 32);
OFFSET(gpa_nvml_event_data_t, type, 8);
OFFSET(gpa_nvml_event_data_t, gpu_instance, 24);

SIZE(gpa_nvml_driver_branch_t, 84);
SIZE(gpa_nvml_addressing_mode_t, 8);

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

// The layouts of Vulkan's structs, as compiled from the headers of Khronos, 1.4.
SIZE(gpa_vulkan_application_info_t, 48);
OFFSET(gpa_vulkan_application_info_t, api_version, 44);
SIZE(gpa_vulkan_instance_info_t, 64);
OFFSET(gpa_vulkan_instance_info_t, application, 24);
OFFSET(gpa_vulkan_instance_info_t, extensions, 56);
SIZE(gpa_vulkan_properties_t, 824);
OFFSET(gpa_vulkan_properties_t, device_name, 20);
OFFSET(gpa_vulkan_properties_t, cache_uuid, 276);
SIZE(gpa_vulkan_properties_2_t, 840);
OFFSET(gpa_vulkan_properties_2_t, properties, 16);
SIZE(gpa_vulkan_id_properties_t, 64);
OFFSET(gpa_vulkan_id_properties_t, device_uuid, 16);
SIZE(gpa_vulkan_pci_properties_t, 32);
OFFSET(gpa_vulkan_pci_properties_t, domain, 16);
SIZE(gpa_vulkan_queue_family_t, 24);
SIZE(gpa_vulkan_queue_info_t, 40);
OFFSET(gpa_vulkan_queue_info_t, family, 20);
OFFSET(gpa_vulkan_queue_info_t, priorities, 32);
SIZE(gpa_vulkan_device_info_t, 72);
OFFSET(gpa_vulkan_device_info_t, queue_infos, 24);
OFFSET(gpa_vulkan_device_info_t, features, 64);
_Static_assert(sizeof(gpa_vulkan_functions_t) % sizeof(void (*)(void)) == 0, "gpa_vulkan_functions_t");
