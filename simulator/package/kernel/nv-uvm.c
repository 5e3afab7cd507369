// The stand-in for nvidia-uvm.ko on a real kernel. The kernel chooses its major number.

#include "nv-client.h"

static struct nv_rm_ops ops;
static struct nv_nodes *nodes; // nvidia-uvm and nvidia-uvm-tools

int init_module(void)
{
	int error = nvidia_get_rm_ops(&ops);

	if (!error)
		error = ops.add_nodes(&nodes, &__this_module, 0, 0, 2, "nvidia-uvm");
	if (!error)
		ops.print(NV_INFO "nvidia-uvm: Loaded the UVM driver, major device number %d.\n", ops.major(nodes));
	return error;
}

void cleanup_module(void)
{
	ops.remove_nodes(nodes);
}

NV_MODULE_INFO(license, NV_LICENSE);
NV_MODULE_INFO(version, NV_VERSION);
NV_MODULE_INFO(description, "Stand-in for nvidia-uvm");
