// SPDX-License-Identifier: GPL-2.0
// The configuration space of a function, from a line of a scenario's file `pci`.

#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "gpu_bus.h"

// Outside of every capability: what the stand-in driver needs to know about the GPU.
#define TRAITS 0xff
#define TRAIT_OPEN 1
#define TRAIT_PROPRIETARY 2
#define TRAIT_VGPU 4

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

static void put_options(u8 *config, char *options)
{
	char *option, *driver = NULL, *branch = NULL;
	u8 traits = TRAIT_OPEN | TRAIT_PROPRIETARY;
	bool capabilities = true;

	while ((option = strsep(&options, " \t\n"))) {
		if (!strcmp(option, "modules=open"))
			traits &= ~TRAIT_PROPRIETARY;
		else if (!strcmp(option, "modules=proprietary"))
			traits &= ~TRAIT_OPEN;
		else if (!strcmp(option, "modules=none"))
			traits &= ~(TRAIT_OPEN | TRAIT_PROPRIETARY);
		else if (!strcmp(option, "caps=none"))
			capabilities = false;
		else if (strstarts(option, "vgpu=")) {
			traits |= TRAIT_VGPU;
			branch = option + strlen("vgpu=");
			driver = strsep(&branch, ",");
			if (!branch)
				driver = NULL;
		}
	}
	if (capabilities)
		put_capabilities(config, driver, branch);
	config[TRAITS] = traits;
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

u8 *gpu_bus_parse_function(const char *line, struct address *address)
{
	unsigned int vendor, device, subvendor, subdevice, class, revision;
	int used, length = 0, error = gpu_bus_parse_address(line, address, &used);
	u8 *config;
	char *options;

	if (error)
		return ERR_PTR(error);
	if (sscanf(line + used, " %4x:%4x %4x:%4x %4x %2x%n", &vendor, &device, &subvendor, &subdevice, &class, &revision,
		   &length) < 6)
		return ERR_PTR(-EINVAL);
	config = kzalloc(CONFIG_SIZE, GFP_KERNEL);
	options = kstrdup(line + used + length, GFP_KERNEL);
	if (!config || !options) {
		kfree(config);
		kfree(options);
		return ERR_PTR(-ENOMEM);
	}
	put16(config, PCI_VENDOR_ID, vendor);
	put16(config, PCI_DEVICE_ID, device);
	config[PCI_REVISION_ID] = revision;
	put16(config, PCI_CLASS_DEVICE, class);
	put16(config, PCI_SUBSYSTEM_VENDOR_ID, subvendor);
	put16(config, PCI_SUBSYSTEM_ID, subdevice);
	put_options(config, options);
	kfree(options);
	return config;
}
