// The stand-in for nvidia-drm.ko on a real kernel. It registers nothing: only its dependency on nvidia-modeset counts.

#include "nv.h"

int nvkms_get_rm_ops(struct nv_rm_ops *ops);

static int __init drm_init(void)
{
	return nvkms_get_rm_ops(NULL);
}

static void __exit drm_exit(void)
{
}

module_init(drm_init);
module_exit(drm_exit);
MODULE_LICENSE(NV_LICENSE);
MODULE_VERSION(NV_VERSION);
MODULE_DESCRIPTION("Stand-in for nvidia-drm");
