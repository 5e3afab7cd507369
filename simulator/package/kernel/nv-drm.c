// The stand-in for nvidia-drm.ko on a real kernel. It registers nothing: only its dependency on nvidia-modeset counts.

#include "nv-client.h"

static struct nv_rm_ops ops;

int init_module(void)
{
	return nvkms_get_rm_ops(&ops);
}

void cleanup_module(void)
{
}

NV_MODULE_INFO(license, NV_LICENSE);
NV_MODULE_INFO(version, NV_VERSION);
NV_MODULE_INFO(description, "Stand-in for nvidia-drm");
