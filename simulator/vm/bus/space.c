// SPDX-License-Identifier: GPL-2.0
// How the configuration space of the functions answers to the kernel.

#include "gpu_bus.h"

// Sets the function that answers for this number, or whose virtual function does. Returns the bytes; NULL when none.
static u8 *space_of(struct pci_bus *bus, unsigned int devfn, struct gpu_function **function, int *size)
{
	struct host_bus *host = container_of(bus->sysdata, struct host_bus, sysdata);
	unsigned int physical;

	*function = READ_ONCE(host->functions[devfn]);
	if (*function) {
		*size = (*function)->size;
		return (*function)->config;
	}
	*size = CONFIG_SIZE;
	for (physical = 0; physical + VF_OFFSET <= devfn; physical++) {
		*function = READ_ONCE(host->functions[physical]);
		if (*function && devfn < physical + VF_OFFSET + (*function)->total_vfs &&
		    (*function)->config[CAP_SRIOV + PCI_SRIOV_CTRL] & PCI_SRIOV_CTRL_VFE)
			return (*function)->vfs[devfn - physical - VF_OFFSET];
	}
	return NULL;
}

static int config_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *value)
{
	struct gpu_function *function;
	int limit, i;
	u8 *config = space_of(bus, devfn, &function, &limit);

	*value = ~0u;
	if (!config)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (where + size > limit)
		return PCIBIOS_BAD_REGISTER_NUMBER;
	if (READ_ONCE(function->lost))
		return PCIBIOS_SUCCESSFUL;
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
	case CAP_SRIOV + PCI_SRIOV_CTRL:
	case CAP_SRIOV + PCI_SRIOV_NUM_VF:
		return true;
	}
	return false;
}

static int config_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	struct gpu_function *function;
	int limit, i;
	u8 *config = space_of(bus, devfn, &function, &limit);

	if (!config)
		return PCIBIOS_DEVICE_NOT_FOUND;
	for (i = where; i < where + size && i < limit && !function->lost; i++, value >>= 8)
		if (is_writable(i))
			config[i] = value;
	return PCIBIOS_SUCCESSFUL;
}

struct pci_ops gpu_bus_operations = { .read = config_read, .write = config_write };
