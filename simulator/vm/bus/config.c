// SPDX-License-Identifier: GPL-2.0
// The configuration space of a function, from a line of a scenario's file `pci`.

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "gpu_bus.h"

// Outside of every capability: what the stand-in driver needs to know about the GPU.
#define FIRST_BRANCH 0xf8 // of the driver, 0 when any
#define LAST_BRANCH 0xfa
#define TRAITS 0xff
#define TRAIT_OPEN 1
#define TRAIT_PROPRIETARY 2
#define TRAIT_VGPU 4

// The options at the end of a line.
struct options {
	u8 traits;
	unsigned int first_branch, last_branch, total_vfs, enabled_vfs;
	int node;
	bool has_capabilities;
	const char *driver, *branch; // of the vGPU's host
};

static void put16(u8 *config, int where, u16 value)
{
	config[where] = value;
	config[where + 1] = value >> 8;
}

static void put32(u8 *config, int where, u32 value)
{
	put16(config, where, value);
	put16(config, where + 2, value >> 16);
}

// The same bytes as simulator/bin/pci-tree writes.
static void put_capabilities(u8 *config, const char *driver, const char *branch)
{
	put16(config, PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_CAPABILITY_LIST] = CAP_POWER;
	config[CAP_POWER] = PCI_CAP_ID_PM;
	config[CAP_POWER + PCI_CAP_LIST_NEXT] = CAP_EXPRESS;
	put16(config, CAP_POWER + PCI_PM_PMC, 3);
	put16(config, CAP_POWER + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	config[CAP_EXPRESS] = PCI_CAP_ID_EXP;
	put16(config, CAP_EXPRESS + PCI_EXP_FLAGS, 2);
	put32(config, CAP_EXPRESS + PCI_EXP_DEVCAP, 0x00008fc1);
	put16(config, CAP_EXPRESS + PCI_EXP_DEVCTL, 0x2910);
	put32(config, CAP_EXPRESS + PCI_EXP_LNKCAP, 0x00400d05);
	put16(config, CAP_EXPRESS + PCI_EXP_LNKCTL, 0x0040);
	put16(config, CAP_EXPRESS + PCI_EXP_LNKSTA, 0x1105);
	put32(config, CAP_EXPRESS + PCI_EXP_LNKCAP2, 0x0000003e);
	put16(config, CAP_EXPRESS + PCI_EXP_LNKCTL2, 0x0005);
	if (!driver)
		return;
	// "VF", then a record of kind 0 with the version and the branch of the host's driver, 10 characters each.
	config[CAP_POWER + PCI_CAP_LIST_NEXT] = CAP_VENDOR;
	config[CAP_VENDOR] = PCI_CAP_ID_VNDR;
	config[CAP_VENDOR + PCI_CAP_LIST_NEXT] = CAP_EXPRESS;
	config[CAP_VENDOR + 2] = 27;
	config[CAP_VENDOR + 3] = 'V';
	config[CAP_VENDOR + 4] = 'F';
	config[CAP_VENDOR + 6] = 22;
	memcpy(config + CAP_VENDOR + 7, driver, strnlen(driver, 10));
	memcpy(config + CAP_VENDOR + 17, branch, strnlen(branch, 10));
}

// The kernel makes the virtual functions, sriov_totalvfs and the links from this capability.
static void put_sriov(struct gpu_function *function, u8 devfn, u16 device)
{
	u8 *config = function->config + CAP_SRIOV;
	int i;

	if (!function->total_vfs)
		return;
	put32(config, 0, PCI_EXT_CAP_ID_SRIOV | 1 << 16);
	put16(config, PCI_SRIOV_INITIAL_VF, function->total_vfs);
	put16(config, PCI_SRIOV_TOTAL_VF, function->total_vfs);
	config[PCI_SRIOV_FUNC_LINK] = devfn;
	put16(config, PCI_SRIOV_VF_OFFSET, VF_OFFSET);
	put16(config, PCI_SRIOV_VF_STRIDE, 1);
	put16(config, PCI_SRIOV_VF_DID, device);
	put32(config, PCI_SRIOV_SUP_PGSIZE, 1);
	put32(config, PCI_SRIOV_SYS_PGSIZE, 1);
	for (i = 0; i < function->total_vfs; i++) {
		memcpy(function->vfs[i], function->config, CONFIG_SIZE);
		// A virtual function has the IDs of its physical function, and its own registers read as all ones.
		put32(function->vfs[i], PCI_VENDOR_ID, ~0);
	}
}

// Reads the options, which it changes. Returns false when one of them is malformed.
static bool read_options(char *text, struct options *options)
{
	char *option;

	*options = (struct options){ .traits = TRAIT_OPEN | TRAIT_PROPRIETARY, .has_capabilities = true };
	while ((option = strsep(&text, " \t\n"))) {
		if (!strcmp(option, "modules=open"))
			options->traits &= ~TRAIT_PROPRIETARY;
		else if (!strcmp(option, "modules=proprietary"))
			options->traits &= ~TRAIT_OPEN;
		else if (!strcmp(option, "modules=none"))
			options->traits &= ~(TRAIT_OPEN | TRAIT_PROPRIETARY);
		else if (!strcmp(option, "caps=none"))
			options->has_capabilities = false;
		else if (strstarts(option, "branches=")) {
			// 580-595, 580- or -595
			if (sscanf(option, "branches=%u-%u", &options->first_branch, &options->last_branch) < 1 &&
			    sscanf(option, "branches=-%u", &options->last_branch) < 1)
				return false;
		} else if (strstarts(option, "vfs=")) {
			if (sscanf(option, "vfs=%u,%u", &options->total_vfs, &options->enabled_vfs) < 1)
				return false;
		} else if (strstarts(option, "numa=")) {
			if (kstrtoint(option + strlen("numa="), 10, &options->node))
				return false;
		} else if (strstarts(option, "vgpu=")) {
			char *branch = option + strlen("vgpu="), *driver = strsep(&branch, ",");

			options->traits |= TRAIT_VGPU;
			options->driver = branch ? driver : NULL;
			options->branch = branch;
		}
	}
	if (options->node < 0 || options->node >= MAX_NUMNODES || !node_online(options->node))
		options->node = NUMA_NO_NODE;
	return options->enabled_vfs <= options->total_vfs;
}

int gpu_bus_parse_address(const char *text, struct address *address, int *length)
{
	unsigned int bus, device, function;

	if (sscanf(text, "%x:%2x:%2x.%1x%n", &address->domain, &bus, &device, &function, length) < 4 || device > 31 ||
	    function > 7)
		return -EINVAL;
	address->bus = bus;
	address->devfn = PCI_DEVFN(device, function);
	return 0;
}

static struct gpu_function *make_function(const char *ids, u8 devfn)
{
	unsigned int vendor, device, subvendor, subdevice, class, revision;
	struct gpu_function *function;
	struct options options;
	int length = 0;
	char *copy;

	if (sscanf(ids, " %4x:%4x %4x:%4x %4x %2x%n", &vendor, &device, &subvendor, &subdevice, &class, &revision,
		   &length) < 6)
		return ERR_PTR(-EINVAL);
	copy = kstrdup(ids + length, GFP_KERNEL);
	if (!copy)
		return ERR_PTR(-ENOMEM);
	if (!read_options(copy, &options) || devfn + VF_OFFSET + options.total_vfs > 256) {
		kfree(copy);
		return ERR_PTR(-EINVAL);
	}
	function = kvzalloc(struct_size(function, vfs, options.total_vfs), GFP_KERNEL);
	if (!function) {
		kfree(copy);
		return ERR_PTR(-ENOMEM);
	}
	function->node = options.node;
	function->total_vfs = options.total_vfs;
	function->enabled_vfs = options.enabled_vfs;
	function->size = options.has_capabilities ? EXTENDED_SIZE : CONFIG_SIZE;
	put16(function->config, PCI_VENDOR_ID, vendor);
	put16(function->config, PCI_DEVICE_ID, device);
	function->config[PCI_REVISION_ID] = revision;
	put16(function->config, PCI_CLASS_DEVICE, class);
	put16(function->config, PCI_SUBSYSTEM_VENDOR_ID, subvendor);
	put16(function->config, PCI_SUBSYSTEM_ID, subdevice);
	if (options.has_capabilities)
		put_capabilities(function->config, options.driver, options.branch);
	put16(function->config, FIRST_BRANCH, options.first_branch);
	put16(function->config, LAST_BRANCH, options.last_branch);
	function->config[TRAITS] = options.traits;
	put_sriov(function, devfn, device);
	// The kernel's quirk for NVIDIA's GPUs finds the audio function switched on.
	function->config[0x48b] = 2;
	kfree(copy);
	return function;
}

struct gpu_function *gpu_bus_parse_function(const char *line, struct address *address)
{
	int length, error = gpu_bus_parse_address(line, address, &length);

	return error ? ERR_PTR(error) : make_function(line + length, address->devfn);
}
