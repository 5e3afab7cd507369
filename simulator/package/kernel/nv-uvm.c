// The stand-in for nvidia-uvm.ko on a real kernel. The kernel chooses its major number.

#include "nv.h"

#define MINORS 2 // nvidia-uvm and nvidia-uvm-tools

static struct cdev nodes;
static dev_t first;

static int __init uvm_init(void)
{
	int error = nvidia_get_rm_ops(NV_VERSION);

	if (!error)
		error = alloc_chrdev_region(&first, 0, MINORS, "nvidia-uvm");
	if (error)
		return error;
	error = nv_add_nodes(&nodes, first, MINORS);
	if (error) {
		unregister_chrdev_region(first, MINORS);
		return error;
	}
	printk(KERN_INFO "nvidia-uvm: Loaded the UVM driver, major device number %d.\n", MAJOR(first));
	return 0;
}

static void __exit uvm_exit(void)
{
	cdev_del(&nodes);
	unregister_chrdev_region(first, MINORS);
}

module_init(uvm_init);
module_exit(uvm_exit);
MODULE_LICENSE(NV_LICENSE);
MODULE_VERSION(NV_VERSION);
MODULE_DESCRIPTION("Stand-in for nvidia-uvm");
