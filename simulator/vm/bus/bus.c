// SPDX-License-Identifier: GPL-2.0
// PCI functions that exist only in memory, for the virtual machine node.
//
// Files below /sys/module/gpu_bus/parameters change them while the machine runs:
//
//   plug    a line of a scenario's file `pci` adds the function. The options vgpu, vfs, modules, branches, numa and
//           caps count; memory regions are not simulated
//   unplug  an address removes the function, as a hot-unplug does
//   lose    an address lets the function fall off the bus: its configuration space reads as all ones
//   hold    the name of a PCI driver keeps its module in use until the next boot, as an open device does
//   xid     an address and a text write a line of NVIDIA's driver to the kernel log: `0001:00:00.0 48, pid=12, …`
//
// Each pair of a domain and a bus number gets a root bus. Bus 00 of domain 0 is QEMU's. A function has no memory
// regions and no interrupts.

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "gpu_bus.h"

static LIST_HEAD(host_buses);

static struct host_bus *find_bus(const struct address *address)
{
	struct host_bus *host;

	list_for_each_entry(host, &host_buses, list)
		if (host->sysdata.domain == address->domain && host->numbers.start == address->bus)
			return host;
	return NULL;
}

static struct pci_dev *find_device(const struct address *address)
{
	return pci_get_domain_bus_and_slot(address->domain, address->bus, address->devfn);
}

static struct host_bus *new_bus(const struct address *address, int node)
{
	struct host_bus *host = kzalloc(sizeof(*host), GFP_KERNEL);

	if (!host)
		return NULL;
	host->sysdata.domain = address->domain;
	host->sysdata.node = node;
	host->numbers = (struct resource){ .name = "gpu_bus", .flags = IORESOURCE_BUS,
					   .start = address->bus, .end = address->bus };
	return host;
}

// The kernel looks for further functions of a device only when its function 0 says that it has some.
static void mark_multifunction(struct host_bus *host, const struct address *address)
{
	struct address first = *address;
	struct pci_dev *device;
	int i;

	first.devfn &= ~7;
	if (!host->functions[first.devfn])
		return;
	for (i = 1; i < 8 && !host->functions[first.devfn + i]; i++)
		;
	if (i == 8)
		return;
	host->functions[first.devfn]->config[PCI_HEADER_TYPE] |= 0x80;
	device = find_device(&first);
	if (device) {
		device->multifunction = 1;
		pci_dev_put(device);
	}
}

static int scan(struct host_bus *host, const struct address *address)
{
	LIST_HEAD(resources);

	if (host->root) {
		pci_rescan_bus(host->root);
		return 0;
	}
	pci_add_resource(&resources, &host->numbers);
	host->root = pci_scan_root_bus(NULL, address->bus, &gpu_bus_operations, &host->sysdata, &resources);
	if (!host->root) {
		pci_free_resource_list(&resources);
		return -EBUSY;
	}
	pci_bus_add_devices(host->root);
	list_add_tail(&host->list, &host_buses);
	return 0;
}

static int enable_vfs(const struct address *address, int count)
{
	struct pci_dev *device = count ? find_device(address) : NULL;
	int error = 0;

	if (device) {
		error = pci_enable_sriov(device, count);
		pci_dev_put(device);
	}
	return error;
}

static int plug(const char *line, const struct kernel_param *parameter)
{
	struct address address;
	struct host_bus *host;
	struct gpu_function *function = gpu_bus_parse_function(line, &address);
	int error;

	if (IS_ERR(function))
		return PTR_ERR(function);
	pci_lock_rescan_remove();
	host = find_bus(&address);
	if (!host)
		host = new_bus(&address, function->node);
	if (!host) {
		error = -ENOMEM;
	} else if (host->functions[address.devfn]) {
		error = -EEXIST;
	} else {
		WRITE_ONCE(host->functions[address.devfn], function);
		mark_multifunction(host, &address);
		error = scan(host, &address);
		if (error)
			kfree(host);
	}
	pci_unlock_rescan_remove();
	if (error) {
		kvfree(function);
		return error;
	}
	return enable_vfs(&address, function->enabled_vfs);
}

static int unplug(const char *text, const struct kernel_param *parameter)
{
	struct address address;
	struct host_bus *host;
	struct pci_dev *device;
	int length, error = gpu_bus_parse_address(text, &address, &length);

	if (error)
		return error;
	pci_lock_rescan_remove();
	host = find_bus(&address);
	if (host && host->functions[address.devfn]) {
		struct gpu_function *function = host->functions[address.devfn];

		device = find_device(&address);
		if (device) {
			pci_disable_sriov(device);
			pci_stop_and_remove_bus_device(device);
			pci_dev_put(device);
		}
		WRITE_ONCE(host->functions[address.devfn], NULL);
		kvfree(function);
	} else
		error = -ENODEV;
	pci_unlock_rescan_remove();
	return error;
}

static int lose(const char *text, const struct kernel_param *parameter)
{
	struct address address;
	struct host_bus *host;
	int length, error = gpu_bus_parse_address(text, &address, &length);

	if (error)
		return error;
	pci_lock_rescan_remove();
	host = find_bus(&address);
	if (host && host->functions[address.devfn])
		WRITE_ONCE(host->functions[address.devfn]->lost, true);
	else
		error = -ENODEV;
	pci_unlock_rescan_remove();
	return error;
}

static int hold(const char *text, const struct kernel_param *parameter)
{
	char name[MODULE_NAME_LEN];
	struct device_driver *driver;

	if (strscpy(name, text, sizeof(name)) < 0)
		return -EINVAL;
	// No scenario unloads the driver meanwhile.
	driver = driver_find(strim(name), &pci_bus_type);
	if (!driver || !driver->owner)
		return -ENOENT;
	return try_module_get(driver->owner) ? 0 : -ENODEV;
}

static int xid(const char *text, const struct kernel_param *parameter)
{
	struct address address;
	int length, error = gpu_bus_parse_address(text, &address, &length);

	if (!error)
		printk(KERN_ERR "NVRM: Xid (PCI:%04x:%02x:%02x): %s\n", address.domain, address.bus,
		       PCI_SLOT(address.devfn), skip_spaces(text + length));
	return error;
}

#define PARAMETER(name) \
	static const struct kernel_param_ops name##_ops = { .set = name }; \
	module_param_cb(name, &name##_ops, NULL, 0200)
PARAMETER(plug);
PARAMETER(unplug);
PARAMETER(lose);
PARAMETER(hold);
PARAMETER(xid);

static int __init gpu_bus_init(void)
{
	return 0;
}

static void __exit gpu_bus_exit(void)
{
	struct host_bus *host, *next;
	struct pci_dev *device;
	int devfn;

	pci_lock_rescan_remove();
	list_for_each_entry_safe(host, next, &host_buses, list) {
		for (devfn = 0; devfn < 256; devfn++) {
			device = host->functions[devfn] ? pci_get_slot(host->root, devfn) : NULL;
			if (device)
				pci_disable_sriov(device);
			pci_dev_put(device);
		}
		pci_stop_root_bus(host->root);
		pci_remove_root_bus(host->root);
		for (devfn = 0; devfn < 256; devfn++)
			kvfree(host->functions[devfn]);
		kfree(host);
	}
	pci_unlock_rescan_remove();
}

module_init(gpu_bus_init);
module_exit(gpu_bus_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("PCI functions that exist only in memory");
