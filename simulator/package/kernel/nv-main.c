// The stand-in for nvidia.ko on a real kernel. It binds to the GPUs that its version, kind and license support, and
// writes to the kernel log why it rejects a GPU, in the words of NVIDIA's driver. It accesses no hardware.

#include <linux/pci.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "nv.h"

// The last byte of the configuration space, which simulator/vm/bus writes.
#define TRAITS 0xff
#define TRAIT_OPEN 1
#define TRAIT_PROPRIETARY 2
#define TRAIT_VGPU 4

#define BUILT "Thu Jan  1 00:00:00 UTC 1970"
#ifdef NV_OPEN
#define BANNER "NVIDIA UNIX Open Kernel Module for x86_64  " NV_VERSION "  Release Build  (gpu-sim@builder)  " BUILT
#else
#define BANNER "NVIDIA UNIX x86_64 Kernel Module  " NV_VERSION "  " BUILT
#endif

static struct cdev gpu_nodes, control_node;
static struct proc_dir_entry *proc, *proc_gpus;
static DECLARE_BITMAP(minors, NV_MODESET_MINOR);
static unsigned int found, accepted;

struct gpu {
	unsigned int minor;
	struct proc_dir_entry *proc;
	struct pci_dev *device;
};

int nvidia_get_rm_ops(const char *version)
{
	if (!strcmp(version, NV_VERSION))
		return 0;
	printk(KERN_ERR "NVRM: API mismatch: this kernel module has the version %s, but\n", NV_VERSION);
	printk(KERN_ERR "NVRM: the other kernel module has the version %s.\n", version);
	return -EINVAL;
}
EXPORT_SYMBOL(nvidia_get_rm_ops);

static int version_show(struct seq_file *file, void *unused)
{
	seq_puts(file, "NVRM version: " BANNER "\nGCC version:  gcc version " __VERSION__ "\n");
	return 0;
}

static int information_show(struct seq_file *file, void *unused)
{
	struct gpu *gpu = file->private;

	seq_printf(file, "Bus Type: \t PCIe\nBus Location: \t %s\n", pci_name(gpu->device));
	seq_printf(file, "Device Minor: \t %u\nGPU Firmware: \t " NV_VERSION "\nGPU Excluded:\t No\n", gpu->minor);
	return 0;
}

// Prints why this driver does not support the GPU. Returns false when the driver supports it.
static bool refuses(struct pci_dev *device, u8 traits)
{
	bool vgpu = traits & TRAIT_VGPU, grid = IS_ENABLED(NV_GRID), open = IS_ENABLED(NV_OPEN);
	const char *name = pci_name(device);

	if (!(traits & (TRAIT_OPEN | TRAIT_PROPRIETARY)) || (!open && vgpu && !grid && traits & TRAIT_PROPRIETARY)) {
		printk(KERN_ERR "NVRM: The NVIDIA GPU %s (PCI ID: %04x:%04x)\n", name, device->vendor, device->device);
		printk(KERN_ERR "NVRM: installed in this system is not supported by the\n");
		printk(KERN_ERR "NVRM: NVIDIA " NV_VERSION " driver release.\n");
		return true;
	}
	if (!open && !(traits & TRAIT_PROPRIETARY)) {
		printk(KERN_ERR "NVRM: The NVIDIA GPU %s (PCI ID: %04x:%04x)\n", name, device->vendor, device->device);
		printk(KERN_ERR "NVRM: installed in this system requires use of the NVIDIA open kernel modules.\n");
		return true;
	}
	if (open && (!(traits & TRAIT_OPEN) || (vgpu && !grid))) {
		printk(KERN_ERR "NVRM: The NVIDIA %sGPU %s (PCI ID: %04x:%04x)\n", vgpu ? "v" : "", name,
		       device->vendor, device->device);
		printk(KERN_ERR "NVRM: installed in this system is not supported by open\n");
		printk(KERN_ERR "NVRM: nvidia.ko.\n");
		return true;
	}
	return false;
}

static int probe(struct pci_dev *device, const struct pci_device_id *id)
{
	struct proc_dir_entry *directory;
	struct gpu *gpu;
	u8 traits;
	int error;

	found++;
	pci_read_config_byte(device, TRAITS, &traits);
	if (refuses(device, traits))
		return -1;
	error = pci_enable_device(device);
	if (error)
		return error;
	gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);
	if (!gpu) {
		pci_disable_device(device);
		return -ENOMEM;
	}
	gpu->minor = find_first_zero_bit(minors, NV_MODESET_MINOR);
	set_bit(gpu->minor, minors);
	gpu->device = device;
	pci_set_drvdata(device, gpu);
	directory = proc_mkdir(pci_name(device), proc_gpus);
	gpu->proc = directory;
	proc_create_single_data("information", 0444, directory, information_show, gpu);
	accepted++;
	return 0;
}

static void remove(struct pci_dev *device)
{
	struct gpu *gpu = pci_get_drvdata(device);

	proc_remove(gpu->proc);
	clear_bit(gpu->minor, minors);
	pci_disable_device(device);
	kfree(gpu);
}

#define CLASS(code) \
	{ .vendor = 0x10de, .device = PCI_ANY_ID, .subvendor = PCI_ANY_ID, .subdevice = PCI_ANY_ID, \
	  .class = (code) << 8, .class_mask = ~0 }
static const struct pci_device_id gpus[] = { CLASS(PCI_CLASS_DISPLAY_VGA), CLASS(PCI_CLASS_DISPLAY_3D), {} };
MODULE_DEVICE_TABLE(pci, gpus);
static struct pci_driver driver = { .name = "nvidia", .id_table = gpus, .probe = probe, .remove = remove };

static int bind(void)
{
	int error = pci_register_driver(&driver);

	if (error || accepted)
		return error;
	pci_unregister_driver(&driver);
	if (found) {
		printk(KERN_ERR "NVRM: The NVIDIA probe routine failed for %u device(s).\n", found);
		printk(KERN_ERR "NVRM: None of the NVIDIA devices were initialized.\n");
	} else
		printk(KERN_ERR "NVRM: No NVIDIA GPU found.\n");
	return -ENODEV;
}

static int __init nvidia_init(void)
{
	int error = register_chrdev_region(MKDEV(NV_MAJOR, 0), NV_MODESET_MINOR, "nvidia");

	if (error)
		return error;
	error = register_chrdev_region(MKDEV(NV_MAJOR, NV_CONTROL_MINOR), 1, "nvidiactl");
	if (error)
		goto region;
	error = nv_add_nodes(&gpu_nodes, MKDEV(NV_MAJOR, 0), NV_MODESET_MINOR);
	if (error)
		goto control;
	error = nv_add_nodes(&control_node, MKDEV(NV_MAJOR, NV_CONTROL_MINOR), 1);
	if (error)
		goto nodes;
	proc = proc_mkdir("driver/nvidia", NULL);
	proc_gpus = proc_mkdir("gpus", proc);
	proc_create_single("version", 0444, proc, version_show);
	error = bind();
	if (!error) {
		printk(KERN_INFO "NVRM: loading " BANNER "\n");
		return 0;
	}
	proc_remove(proc);
	cdev_del(&control_node);
nodes:
	cdev_del(&gpu_nodes);
control:
	unregister_chrdev_region(MKDEV(NV_MAJOR, NV_CONTROL_MINOR), 1);
region:
	unregister_chrdev_region(MKDEV(NV_MAJOR, 0), NV_MODESET_MINOR);
	return error;
}

static void __exit nvidia_exit(void)
{
	pci_unregister_driver(&driver);
	proc_remove(proc);
	cdev_del(&control_node);
	cdev_del(&gpu_nodes);
	unregister_chrdev_region(MKDEV(NV_MAJOR, NV_CONTROL_MINOR), 1);
	unregister_chrdev_region(MKDEV(NV_MAJOR, 0), NV_MODESET_MINOR);
}

module_init(nvidia_init);
module_exit(nvidia_exit);
MODULE_LICENSE(NV_LICENSE);
MODULE_VERSION(NV_VERSION);
MODULE_DESCRIPTION("Stand-in for nvidia");
