// The stand-in for nvidia-drm.ko on a real kernel. It registers nothing: only its dependency on nvidia-modeset counts.

#include "nv.h"

int nvkms_get_rm_ops(const char *version);

static int __init drm_init(void)
{
	return nvkms_get_rm_ops(NV_VERSION);
}

static void __exit drm_exit(void)
{
}

module_init(drm_init);
module_exit(drm_exit);
MODULE_LICENSE(NV_LICENSE);
MODULE_VERSION(NV_VERSION);
MODULE_DESCRIPTION("Stand-in for nvidia-drm");
