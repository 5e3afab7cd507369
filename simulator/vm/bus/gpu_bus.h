// The parts of gpu_bus.ko: bus.c plugs and unplugs functions, space.c answers for their configuration space, config.c
// makes it from a line of a scenario's file `pci`.

#include <linux/pci.h>

#define CONFIG_SIZE 256 // without PCI Express
#define EXTENDED_SIZE 4096
#define CAP_POWER 0x40
#define CAP_VENDOR 0x50
#define CAP_EXPRESS 0x80
#define CAP_SRIOV 0x100

// The first virtual function has the number of its physical function plus this. Each next one has the next number.
#define VF_OFFSET 4

struct address {
	unsigned int domain;
	u8 bus, devfn;
};

struct gpu_function {
	bool lost;		   // reads as all ones
	int node;		   // NUMA node
	u16 total_vfs;		   // how many virtual functions it supports
	u16 enabled_vfs;	   // how many are there when it is plugged in
	int size;		   // of its configuration space
	u8 config[EXTENDED_SIZE];
	u8 vfs[][CONFIG_SIZE];	   // the configuration space of each virtual function
};

struct host_bus {
	struct list_head list;
	struct pci_sysdata sysdata;
	struct resource numbers;
	struct pci_bus *root;
	struct gpu_function *functions[256]; // by devfn
};

extern struct pci_ops gpu_bus_operations;

// Reads DOMAIN:BUS:DEVICE.FUNCTION and sets the number of characters read.
int gpu_bus_parse_address(const char *text, struct address *address, int *length);

// Reads a line of a scenario's file `pci`. Returns the function, to be freed with kvfree.
struct gpu_function *gpu_bus_parse_function(const char *line, struct address *address);
