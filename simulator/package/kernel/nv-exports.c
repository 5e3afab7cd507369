// The function of the stand-in for nvidia.ko that other modules call. The kernel's build system computes a checksum of what
// this file reads, and an emulated processor needs seconds for that of the headers of the kernel.

#include <linux/export.h>

#include "nv-ops.h"

int nvidia_get_rm_ops(struct nv_rm_ops *ops)
{
	if (ops)
		nv_get_ops(ops);
	return 0;
}
EXPORT_SYMBOL(nvidia_get_rm_ops);
