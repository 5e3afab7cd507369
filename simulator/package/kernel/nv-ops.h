// What nvidia.ko offers to the other stand-in modules.
//
// This header and most of those modules do without the headers of the kernel. An emulated processor reads these for
// seconds, and once for each file.

#pragma once

#ifdef NV_OPEN
#define NV_LICENSE "Dual MIT/GPL"
#else
#define NV_LICENSE "NVIDIA"
#endif

#define NV_MAJOR 195
#define NV_GPU_MINORS 248
#define NV_MODESET_MINOR 254
#define NV_CONTROL_MINOR 255

struct module;
struct nv_nodes;

// The structs of NVIDIA's driver differ between its versions. So the kernel's checksums of the functions that use them
// differ too, and it refuses a module of another version.
struct nv_rm_ops {
	int NV_TAG;
	// Makes device numbers known to the kernel until remove_nodes. It chooses the major number when that is 0. An open
	// device node counts as a user of the module. Returns an error of the kernel, or 0.
	int (*add_nodes)(struct nv_nodes **nodes, struct module *owner, unsigned int major, unsigned int minor,
			 unsigned int count, const char *name);
	void (*remove_nodes)(struct nv_nodes *nodes);
	unsigned int (*major)(struct nv_nodes *nodes);
	// Writes to the kernel log.
	void (*print)(const char *format, ...);
	// Whether nvidia.ko has the parameter `peer_memory`.
	int has_peer_memory;
};

// nv-main.c
void nv_get_ops(struct nv_rm_ops *ops);

// The other modules call this when they are loaded. The operations can be NULL.
int nvidia_get_rm_ops(struct nv_rm_ops *ops);

// nvidia-drm.ko calls this of nvidia-modeset.ko.
int nvkms_get_rm_ops(struct nv_rm_ops *ops);
