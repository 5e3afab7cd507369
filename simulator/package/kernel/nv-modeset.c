// The stand-in for nvidia-modeset.ko on a real kernel.

#include "nv.h"

static struct cdev node;

// nvidia-drm.ko calls this.
int nvkms_get_rm_ops(struct nv_rm_ops *ops);
int nvkms_get_rm_ops(struct nv_rm_ops *ops)
{
	return nvidia_get_rm_ops(ops);
}
EXPORT_SYMBOL(nvkms_get_rm_ops);

static int __init modeset_init(void)
{
	int error = nv_add_nodes(&node, MKDEV(NV_MAJOR, NV_MODESET_MINOR), 1, "nvidia-modeset", &nv_operations);

	if (!error)
		printk(KERN_INFO "nvidia-modeset: Loading NVIDIA Kernel Mode Setting Driver for UNIX platforms  " NV_VERSION
		       "\n");
	return error;
}

static void __exit modeset_exit(void)
{
	nv_remove_nodes(&node);
}

module_init(modeset_init);
module_exit(modeset_exit);
MODULE_LICENSE(NV_LICENSE);
MODULE_VERSION(NV_VERSION);
MODULE_DESCRIPTION("Stand-in for nvidia-modeset");
