// The stand-in for nvidia.ko on a real kernel: its device numbers and its files in /proc/driver/nvidia. It talks to no
// hardware. nv-pci.c binds to the GPUs.

#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "nv.h"

#define BUILT "Thu Jan  1 00:00:00 UTC 1970"
#ifdef NV_OPEN
#define BANNER "NVIDIA UNIX Open Kernel Module for x86_64  " NV_VERSION "  Release Build  (gpu-sim@builder)  " BUILT
#else
#define BANNER "NVIDIA UNIX x86_64 Kernel Module  " NV_VERSION "  " BUILT
#endif

static struct cdev gpu_nodes, control_node;
static struct proc_dir_entry *proc;

static bool peer_memory;
module_param(peer_memory, bool, 0644);
MODULE_PARM_DESC(peer_memory, "Behaves as if ib_core had the peer memory functions");

// The device nodes of another module.
struct nv_nodes {
	struct cdev cdev;
	struct file_operations operations;
};

static int add_nodes(struct nv_nodes **nodes, struct module *owner, unsigned int major, unsigned int minor,
		     unsigned int count, const char *name)
{
	struct nv_nodes *added = kzalloc(sizeof(*added), GFP_KERNEL);
	int error;

	if (!added)
		return -ENOMEM;
	added->operations = (struct file_operations){ .owner = owner, .open = nv_open };
	if (major)
		error = nv_add_nodes(&added->cdev, MKDEV(major, minor), count, name, &added->operations);
	else
		error = nv_add_numbered_nodes(&added->cdev, count, name, &added->operations);
	if (error)
		kfree(added);
	else
		*nodes = added;
	return error;
}

static void remove_nodes(struct nv_nodes *nodes)
{
	nv_remove_nodes(&nodes->cdev);
	kfree(nodes);
}

static unsigned int major(struct nv_nodes *nodes)
{
	return MAJOR(nodes->cdev.dev);
}

static void print(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintk(format, arguments);
	va_end(arguments);
}

void nv_get_ops(struct nv_rm_ops *ops)
{
	*ops = (struct nv_rm_ops){ .add_nodes = add_nodes, .remove_nodes = remove_nodes, .major = major, .print = print,
				   .has_peer_memory = peer_memory };
}

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
