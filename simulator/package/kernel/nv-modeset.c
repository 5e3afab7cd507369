// The stand-in for nvidia-modeset.ko on a real kernel.

#include "nv.h"

static struct cdev node;

// nvidia-drm.ko calls this.
int nvkms_get_rm_ops(const char *version);
int nvkms_get_rm_ops(const char *version)
{
	return nvidia_get_rm_ops(version);
}
EXPORT_SYMBOL(nvkms_get_rm_ops);

static int __init modeset_init(void)
{
	dev_t number = MKDEV(NV_MAJOR, NV_MODESET_MINOR);
	int error = nvidia_get_rm_ops(NV_VERSION);

	if (!error)
		error = register_chrdev_region(number, 1, "nvidia-modeset");
	if (error)
		return error;
	error = nv_add_nodes(&node, number, 1);
	if (error) {
		unregister_chrdev_region(number, 1);
		return error;
	}
	printk(KERN_INFO "nvidia-modeset: Loading NVIDIA Kernel Mode Setting Driver for UNIX platforms  " NV_VERSION "\n");
	return 0;
}

static void __exit modeset_exit(void)
{
	cdev_del(&node);
	unregister_chrdev_region(MKDEV(NV_MAJOR, NV_MODESET_MINOR), 1);
}

module_init(modeset_init);
module_exit(modeset_exit);
MODULE_LICENSE(NV_LICENSE);
MODULE_VERSION(NV_VERSION);
MODULE_DESCRIPTION("Stand-in for nvidia-modeset");
