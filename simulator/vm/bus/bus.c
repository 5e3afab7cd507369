// SPDX-License-Identifier: GPL-2.0
// PCI functions that exist only in memory, for the virtual machine node.
//
// Two files below /sys/module/gpu_bus/parameters plug and unplug them while the machine runs:
//
//   plug    a line of a scenario's file `pci` adds the function. The options vgpu=VERSION,BRANCH and modules=TYPE
//           count; memory regions are not simulated
//   unplug  an address removes the function, as a hot-unplug does
//
// Each pair of a domain and a bus number gets a root bus. QEMU uses all buses in domain 0, so the functions need another
// domain. A function has no memory regions and no interrupts, and 256 bytes of configuration space.

#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "gpu_bus.h"

struct host_bus {
	struct list_head list;
	struct pci_sysdata sysdata;
	struct resource numbers;
	struct pci_bus *root;
	u8 *functions[256]; // by devfn
};

static LIST_HEAD(host_buses);

static u8 *config_of(struct pci_bus *bus, unsigned int devfn)
{
	struct host_bus *host = container_of(bus->sysdata, struct host_bus, sysdata);

	return READ_ONCE(host->functions[devfn]);
}

static int config_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *value)
{
	u8 *config = config_of(bus, devfn);
	int i;

	*value = ~0u;
	if (!config)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (where + size > CONFIG_SIZE)
		return PCIBIOS_BAD_REGISTER_NUMBER;
	*value = 0;
	for (i = 0; i < size; i++)
		*value |= (u32)config[where + i] << (8 * i);
	return PCIBIOS_SUCCESSFUL;
}

// All other registers are read-only. So each base address register says that it has no memory.
static bool is_writable(int where)
{
	switch (where & ~1) {
	case PCI_COMMAND:
	case PCI_CACHE_LINE_SIZE:
	case PCI_INTERRUPT_LINE:
	case CAP_POWER + PCI_PM_CTRL:
	case CAP_EXPRESS + PCI_EXP_DEVCTL:
	case CAP_EXPRESS + PCI_EXP_LNKCTL:
	case CAP_EXPRESS + PCI_EXP_DEVCTL2:
		return true;
	}
	return false;
}

static int config_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	u8 *config = config_of(bus, devfn);
	int i;

	if (!config)
		return PCIBIOS_DEVICE_NOT_FOUND;
	for (i = where; i < where + size && i < CONFIG_SIZE; i++, value >>= 8)
		if (is_writable(i))
			config[i] = value;
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_ops = { .read = config_read, .write = config_write };

static struct host_bus *find_bus(const struct address *address)
{
	struct host_bus *host;

	list_for_each_entry(host, &host_buses, list)
		if (host->sysdata.domain == address->domain && host->numbers.start == address->bus)
			return host;
	return NULL;
}

static struct host_bus *new_bus(const struct address *address)
{
	struct host_bus *host = kzalloc(sizeof(*host), GFP_KERNEL);

	if (!host)
		return NULL;
	host->sysdata.domain = address->domain;
	host->sysdata.node = NUMA_NO_NODE;
	host->numbers = (struct resource){ .name = "gpu_bus", .flags = IORESOURCE_BUS,
					   .start = address->bus, .end = address->bus };
	return host;
}

static int scan(struct host_bus *host, const struct address *address)
{
	LIST_HEAD(resources);

	if (host->root) {
		pci_rescan_bus(host->root);
		return 0;
	}
	pci_add_resource(&resources, &host->numbers);
	host->root = pci_scan_root_bus(NULL, address->bus, &config_ops, &host->sysdata, &resources);
	if (!host->root) {
		pci_free_resource_list(&resources);
		return -EBUSY;
	}
	pci_bus_add_devices(host->root);
	list_add_tail(&host->list, &host_buses);
	return 0;
}

static int plug(const char *line, const struct kernel_param *parameter)
{
	struct address address;
	struct host_bus *host;
	u8 *config = gpu_bus_parse_function(line, &address);
	int error;

	if (IS_ERR(config))
		return PTR_ERR(config);
	pci_lock_rescan_remove();
	host = find_bus(&address);
	if (!host)
		host = new_bus(&address);
	if (!host) {
		error = -ENOMEM;
	} else if (host->functions[address.devfn]) {
		error = -EEXIST;
	} else {
		WRITE_ONCE(host->functions[address.devfn], config);
		error = scan(host, &address);
		if (error)
			kfree(host);
	}
	pci_unlock_rescan_remove();
	if (error)
		kfree(config);
	return error;
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
		u8 *config = host->functions[address.devfn];

		device = pci_get_domain_bus_and_slot(address.domain, address.bus, address.devfn);
		if (device) {
			pci_stop_and_remove_bus_device(device);
			pci_dev_put(device);
		}
		WRITE_ONCE(host->functions[address.devfn], NULL);
		kfree(config);
	} else
		error = -ENODEV;
	pci_unlock_rescan_remove();
	return error;
}

static const struct kernel_param_ops plug_ops = { .set = plug };
static const struct kernel_param_ops unplug_ops = { .set = unplug };
module_param_cb(plug, &plug_ops, NULL, 0200);
module_param_cb(unplug, &unplug_ops, NULL, 0200);

static int __init gpu_bus_init(void)
{
	return 0;
}

static void __exit gpu_bus_exit(void)
{
	struct host_bus *host, *next;
	int devfn;

	pci_lock_rescan_remove();
	list_for_each_entry_safe(host, next, &host_buses, list) {
		pci_stop_root_bus(host->root);
		pci_remove_root_bus(host->root);
		for (devfn = 0; devfn < 256; devfn++)
			kfree(host->functions[devfn]);
		kfree(host);
	}
	pci_unlock_rescan_remove();
}

module_init(gpu_bus_init);
module_exit(gpu_bus_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("PCI functions that exist only in memory");
