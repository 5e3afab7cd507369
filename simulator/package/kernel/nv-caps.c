// The capabilities of the stand-in for nvidia.ko. Each is a file that names the minor number of a device node, which
// `nvidia-modprobe -f` creates. The MIG instances are those of the file from which the libraries know the hardware.

#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "nv.h"

#define GPUS 16
#define GPU_INSTANCES 15
#define MINORS (3 + GPUS * GPU_INSTANCES * 9)

static struct cdev nodes;
static struct proc_dir_entry *capabilities;
static DECLARE_BITMAP(gpu_directories, GPUS);
static DECLARE_BITMAP(instance_directories, GPUS * GPU_INSTANCES);

static int capability_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "DeviceFileMinor: %ld\nDeviceFileMode: 292\nDeviceFileModify: 1\n", (long)file->private);
	return 0;
}

static void add(const char *path, long minor)
{
	proc_create_single_data(path, 0444, capabilities, capability_show, (void *)minor);
}

static void add_instance(unsigned int gpu, unsigned int gi, unsigned int ci)
{
	long minor = 3 + (gpu * GPU_INSTANCES + gi) * 9;
	char path[40];

	if (gpu >= GPUS || gi >= GPU_INSTANCES || ci >= 8)
		return;
	if (!test_and_set_bit(gpu, gpu_directories)) {
		snprintf(path, sizeof(path), "gpu%u", gpu);
		proc_mkdir(path, capabilities);
		snprintf(path, sizeof(path), "gpu%u/mig", gpu);
		proc_mkdir(path, capabilities);
	}
	if (!test_and_set_bit(gpu * GPU_INSTANCES + gi, instance_directories)) {
		snprintf(path, sizeof(path), "gpu%u/mig/gi%u", gpu, gi);
		proc_mkdir(path, capabilities);
		snprintf(path, sizeof(path), "gpu%u/mig/gi%u/access", gpu, gi);
		add(path, minor);
	}
	snprintf(path, sizeof(path), "gpu%u/mig/gi%u/ci%u", gpu, gi, ci);
	proc_mkdir(path, capabilities);
	snprintf(path, sizeof(path), "gpu%u/mig/gi%u/ci%u/access", gpu, gi, ci);
	add(path, minor + 1 + ci);
}

// Adds the instances of the lines `mig GPU … gi=N ci=N`.
static void add_instances(char *lines)
{
	unsigned int gpu, gi, ci;
	char *line, *place;

	while ((line = strsep(&lines, "\n"))) {
		if (sscanf(line, "mig %u ", &gpu) != 1)
			continue;
		place = strstr(line, " gi=");
		if (!place || sscanf(place, " gi=%u", &gi) != 1)
			continue;
		place = strstr(line, " ci=");
		if (!place || sscanf(place, " ci=%u", &ci) != 1)
			ci = 0;
		add_instance(gpu, gi, ci);
	}
}

int nv_add_capabilities(struct proc_dir_entry *driver)
{
	const size_t limit = 32768;
	struct file *file;
	loff_t place = 0;
	char *text;
	int error = nv_add_numbered_nodes(&nodes, MINORS, "nvidia-caps", &nv_operations);

	if (error)
		return error;
	capabilities = proc_mkdir("capabilities", driver);
	proc_mkdir("mig", capabilities);
	add("mig/config", 1);
	add("mig/monitor", 2);
	file = filp_open("/etc/gpu-sim/hardware", O_RDONLY, 0);
	if (IS_ERR(file))
		return 0;
	text = kzalloc(limit, GFP_KERNEL);
	if (text && kernel_read(file, text, limit - 1, &place) > 0)
		add_instances(text);
	kfree(text);
	filp_close(file, NULL);
	return 0;
}

// The files go with the directory of the driver.
void nv_remove_capabilities(void)
{
	nv_remove_nodes(&nodes);
}
