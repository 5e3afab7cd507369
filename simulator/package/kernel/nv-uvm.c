// The stand-in for nvidia-uvm.ko on a real kernel. The kernel chooses its major number.

#include "nv.h"

static struct cdev nodes; // nvidia-uvm and nvidia-uvm-tools

static int __init uvm_init(void)
{
	int error = nvidia_get_rm_ops(NULL);

	if (!error)
		error = nv_add_numbered_nodes(&nodes, 2, "nvidia-uvm");
	if (!error)
		printk(KERN_INFO "nvidia-uvm: Loaded the UVM driver, major device number %d.\n", MAJOR(nodes.dev));
	return error;
}

static void __exit uvm_exit(void)
{
	nv_remove_nodes(&nodes);
}

module_init(uvm_init);
module_exit(uvm_exit);
MODULE_LICENSE(NV_LICENSE);
MODULE_VERSION(NV_VERSION);
MODULE_DESCRIPTION("Stand-in for nvidia-uvm");
