// The stand-in for nvidia.ko on a real kernel: its device numbers and its files in /proc/driver/nvidia. It talks to no
// hardware. nv-pci.c binds to the GPUs.

#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "nv.h"

#define BUILT "Thu Jan  1 00:00:00 UTC 1970"
#ifdef NV_OPEN
#define BANNER "NVIDIA UNIX Open Kernel Module for x86_64  " NV_VERSION "  Release Build  (gpu-sim@builder)  " BUILT
#else
#define BANNER "NVIDIA UNIX x86_64 Kernel Module  " NV_VERSION "  " BUILT
#endif

static struct cdev gpu_nodes, control_node;
static struct proc_dir_entry *proc;

int nvidia_get_rm_ops(struct nv_rm_ops *ops)
{
	return 0;
}
EXPORT_SYMBOL(nvidia_get_rm_ops);

static int open_gpu(struct inode *inode, struct file *file)
{
	return nv_has_gpu(iminor(inode)) ? 0 : -ENODEV;
}

static const struct file_operations gpu_operations = { .owner = THIS_MODULE, .open = open_gpu };

static int version_show(struct seq_file *file, void *unused)
{
	seq_puts(file, "NVRM version: " BANNER "\nGCC version:  gcc version " __VERSION__ "\n");
	return 0;
}

static int __init nvidia_init(void)
{
	int error = nv_add_nodes(&gpu_nodes, MKDEV(NV_MAJOR, 0), NV_GPU_MINORS, "nvidia", &gpu_operations);

	if (error)
		return error;
	error = nv_add_nodes(&control_node, MKDEV(NV_MAJOR, NV_CONTROL_MINOR), 1, "nvidiactl", &nv_operations);
	if (error)
		goto gpus;
	proc = proc_mkdir("driver/nvidia", NULL);
	proc_create_single("version", 0444, proc, version_show);
	error = nv_add_capabilities(proc);
	if (error)
		goto files;
	error = nv_bind_gpus(proc_mkdir("gpus", proc));
	if (error)
		goto capabilities;
	printk(KERN_INFO "NVRM: loading " BANNER "\n");
	return 0;

capabilities:
	nv_remove_capabilities();
files:
	proc_remove(proc);
	nv_remove_nodes(&control_node);
gpus:
	nv_remove_nodes(&gpu_nodes);
	return error;
}

static void __exit nvidia_exit(void)
{
	nv_unbind_gpus();
	nv_remove_capabilities();
	proc_remove(proc);
	nv_remove_nodes(&control_node);
	nv_remove_nodes(&gpu_nodes);
}

module_init(nvidia_init);
module_exit(nvidia_exit);
MODULE_LICENSE(NV_LICENSE);
MODULE_VERSION(NV_VERSION);
MODULE_DESCRIPTION("Stand-in for nvidia");
