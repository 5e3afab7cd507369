// The GPUs of the stand-in for nvidia.ko. It binds to those that its version, kind and license support, and says in the
// kernel's log why it refuses one, in the words of NVIDIA's driver.

#include <linux/pci.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "nv.h"

// Outside of every capability: what simulator/vm/bus writes about the GPU.
#define FIRST_BRANCH 0xf8
#define LAST_BRANCH 0xfa
#define TRAITS 0xff
#define TRAIT_OPEN 1
#define TRAIT_PROPRIETARY 2
#define TRAIT_VGPU 4

#define UNSUPPORTED \
	"NVRM: installed in this system is not supported by the\n" \
	"NVRM: NVIDIA " NV_VERSION " driver release.\n" \
	"NVRM: Please see 'Appendix A - Supported NVIDIA GPU Products'\n" \
	"NVRM: in this release's README, available on the operating system\n" \
	"NVRM: specific graphics driver download page at www.nvidia.com.\n"
#define NEEDS_OPEN "NVRM: installed in this system requires use of the NVIDIA open kernel modules.\n"
#define NO_GSP \
	"NVRM: installed in this system is not supported by open\n" \
	"NVRM: nvidia.ko because it does not include the required GPU\n" \
	"NVRM: System Processor (GSP).\n" \
	"NVRM: Please see the 'Open Linux Kernel Modules' and 'GSP\n" \
	"NVRM: Firmware' sections in the driver README, available on\n" \
	"NVRM: the Linux graphics driver download page at\n" \
	"NVRM: www.nvidia.com.\n"
#define VGPU_NOT_OPEN \
	"NVRM: installed in this system is not supported by open\n" \
	"NVRM: nvidia.ko.\n" \
	"NVRM: Please see the 'Open Linux Kernel Modules' and 'GSP\n" \
	"NVRM: Firmware' sections in the NVIDIA Virtual GPU (vGPU)\n" \
	"NVRM: Software documentation, available at docs.nvidia.com.\n"

struct gpu {
	unsigned int minor;
	struct proc_dir_entry *proc;
	struct pci_dev *device;
	struct timer_list watch;
};

static DECLARE_BITMAP(minors, NV_GPU_MINORS);
static struct proc_dir_entry *directories;
static unsigned int found, accepted;

bool nv_has_gpu(unsigned int minor)
{
	return minor < NV_GPU_MINORS && test_bit(minor, minors);
}

static bool is_lost(struct pci_dev *device)
{
	u16 vendor;

	pci_read_config_word(device, PCI_VENDOR_ID, &vendor);
	return vendor == 0xffff;
}

// Each second, as NVIDIA's driver checks a GPU that it has initialized.
static void watch(struct timer_list *timer)
{
	struct gpu *gpu = from_timer(gpu, timer, watch);
	struct pci_dev *device = gpu->device;

	if (!is_lost(device)) {
		mod_timer(timer, jiffies + HZ);
		return;
	}
	printk(KERN_ERR "NVRM: Xid (PCI:%04x:%02x:%02x): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.\n",
	       pci_domain_nr(device->bus), device->bus->number, PCI_SLOT(device->devfn));
	printk(KERN_ERR "NVRM: GPU %s: GPU has fallen off the bus.\n", pci_name(device));
}

static int information_show(struct seq_file *file, void *unused)
{
	struct gpu *gpu = file->private;

	seq_printf(file, "Model: \t\t Unknown\nIRQ:   \t\t %u\n", gpu->device->irq);
	seq_puts(file, "GPU UUID: \t GPU-????????-????-????-????-????????????\nVideo BIOS: \t ??.??.??.??.??\n");
	seq_printf(file, "Bus Type: \t PCIe\nBus Location: \t %s\n", pci_name(gpu->device));
	seq_printf(file, "Device Minor: \t %u\nGPU Firmware: \t " NV_VERSION "\nGPU Excluded:\t No\n", gpu->minor);
	return 0;
}

// Says that this driver does not support the GPU, in one message of several lines.
static bool refuse(struct pci_dev *device, const char *kind, const char *why)
{
	printk(KERN_ERR "NVRM: The NVIDIA %s %s (PCI ID: %04x:%04x)\n%s", kind, pci_name(device), device->vendor,
	       device->device, why);
	return true;
}

static unsigned int this_branch(void)
{
	unsigned int branch = 0;

	sscanf(NV_VERSION, "%u", &branch);
	return branch;
}

static bool refuses(struct pci_dev *device)
{
	bool vgpu, grid = IS_ENABLED(NV_GRID), open = IS_ENABLED(NV_OPEN);
	u16 first, last;
	u8 traits;

	pci_read_config_word(device, FIRST_BRANCH, &first);
	pci_read_config_word(device, LAST_BRANCH, &last);
	pci_read_config_byte(device, TRAITS, &traits);
	vgpu = traits & TRAIT_VGPU;
	if (last && this_branch() > last) {
		printk(KERN_ERR "NVRM: The NVIDIA Graphics Device GPU installed in this system is\n"
		       "NVRM:  supported through the NVIDIA %u.xx Legacy drivers. Please\n"
		       "NVRM:  visit http://www.nvidia.com/object/unix.html for more\n"
		       "NVRM:  information.  The " NV_VERSION " NVIDIA driver will ignore\n"
		       "NVRM:  this GPU.  Continuing probe...\n", last);
		return true;
	}
	if (this_branch() < first || !(traits & (TRAIT_OPEN | TRAIT_PROPRIETARY)) ||
	    (!open && vgpu && !grid && traits & TRAIT_PROPRIETARY))
		return refuse(device, "GPU", UNSUPPORTED);
	if (!open && !(traits & TRAIT_PROPRIETARY))
		return refuse(device, "GPU", NEEDS_OPEN);
	if (open && vgpu && (!grid || !(traits & TRAIT_OPEN)))
		return refuse(device, "vGPU", VGPU_NOT_OPEN);
	if (open && !(traits & TRAIT_OPEN))
		return refuse(device, "GPU", NO_GSP);
	return false;
}

static int probe(struct pci_dev *device, const struct pci_device_id *id)
{
	struct gpu *gpu;
	int error;

	found++;
	if (device->is_virtfn) {
		printk(KERN_ERR "NVRM: Ignoring probe for VF %s\n", pci_name(device));
		return -1;
	}
	if (is_lost(device)) {
		printk(KERN_ERR "NVRM: The NVIDIA GPU %s\nNVRM: (PCI ID: %04x:%04x) installed in this system has\n"
		       "NVRM: fallen off the bus and is not responding to commands.\n", pci_name(device),
		       device->vendor, device->device);
		return -1;
	}
	if (refuses(device))
		return -1;
	error = pci_enable_device(device);
	if (error)
		return error;
	gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);
	if (!gpu) {
		pci_disable_device(device);
		return -ENOMEM;
	}
	gpu->minor = find_first_zero_bit(minors, NV_GPU_MINORS);
	set_bit(gpu->minor, minors);
	gpu->device = device;
	pci_set_drvdata(device, gpu);
	gpu->proc = proc_mkdir(pci_name(device), directories);
	proc_create_single_data("information", 0444, gpu->proc, information_show, gpu);
	timer_setup(&gpu->watch, watch, 0);
	mod_timer(&gpu->watch, jiffies + HZ);
	accepted++;
	return 0;
}

static void remove(struct pci_dev *device)
{
	struct gpu *gpu = pci_get_drvdata(device);

	del_timer_sync(&gpu->watch);
	proc_remove(gpu->proc);
	clear_bit(gpu->minor, minors);
	pci_disable_device(device);
	kfree(gpu);
}

#define GPU_CLASS(code) \
	{ .vendor = 0x10de, .device = PCI_ANY_ID, .subvendor = PCI_ANY_ID, .subdevice = PCI_ANY_ID, \
	  .class = (code) << 8, .class_mask = ~0 }
static const struct pci_device_id gpus[] = { GPU_CLASS(PCI_CLASS_DISPLAY_VGA), GPU_CLASS(PCI_CLASS_DISPLAY_3D), {} };
MODULE_DEVICE_TABLE(pci, gpus);
static struct pci_driver driver = { .name = "nvidia", .id_table = gpus, .probe = probe, .remove = remove };

int nv_bind_gpus(struct proc_dir_entry *directory)
{
	int error;

	directories = directory;
	error = pci_register_driver(&driver);
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

void nv_unbind_gpus(void)
{
	pci_unregister_driver(&driver);
}
