// The stand-in for nvidia-peermem.ko on a real kernel. NVIDIA's needs the peer memory functions that some drivers of
// InfiniBand add to ib_core. On a kernel without them, it fails to load and does not say why.

#include <linux/errno.h>

#include "nv-client.h"

static struct nv_rm_ops ops;

int init_module(void)
{
	int error = nvidia_get_rm_ops(&ops);

	return error || ops.has_peer_memory ? error : -EINVAL;
}

void cleanup_module(void)
{
}

NV_MODULE_INFO(license, "Dual BSD/GPL");
NV_MODULE_INFO(version, NV_VERSION);
NV_MODULE_INFO(description, "Stand-in for nvidia-peermem");
