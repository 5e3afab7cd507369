// The stand-in for nvidia-modeset.ko on a real kernel.

#include <linux/export.h>

#include "nv-client.h"

static struct nv_rm_ops ops;
static struct nv_nodes *nodes;

int nvkms_get_rm_ops(struct nv_rm_ops *wanted)
{
	return nvidia_get_rm_ops(wanted);
}
EXPORT_SYMBOL(nvkms_get_rm_ops);

int init_module(void)
{
	int error = nvidia_get_rm_ops(&ops);

	if (!error)
		error = ops.add_nodes(&nodes, &__this_module, NV_MAJOR, NV_MODESET_MINOR, 1, "nvidia-modeset");
	if (!error)
		ops.print(NV_INFO "nvidia-modeset: Loading NVIDIA Kernel Mode Setting Driver for UNIX platforms  " NV_VERSION
				  "\n");
	return error;
}

void cleanup_module(void)
{
	ops.remove_nodes(nodes);
}

NV_MODULE_INFO(license, NV_LICENSE);
NV_MODULE_INFO(version, NV_VERSION);
NV_MODULE_INFO(description, "Stand-in for nvidia-modeset");
