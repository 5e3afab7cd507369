// The stand-in for nvidia-peermem.ko on a real kernel. NVIDIA's needs the peer memory functions that some drivers of
// InfiniBand add to ib_core. On a kernel without them, it fails to load and does not say why.

#include "nv.h"

static bool peer_memory;
module_param(peer_memory, bool, 0444);
MODULE_PARM_DESC(peer_memory, "Behaves as if ib_core had the peer memory functions");

static int __init peermem_init(void)
{
	return peer_memory ? nvidia_get_rm_ops(NULL) : -EINVAL;
}

static void __exit peermem_exit(void)
{
}

module_init(peermem_init);
module_exit(peermem_exit);
MODULE_LICENSE("Dual BSD/GPL");
MODULE_VERSION(NV_VERSION);
MODULE_DESCRIPTION("Stand-in for nvidia-peermem");
