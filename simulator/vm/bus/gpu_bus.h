// The parts of gpu_bus.ko: bus.c presents functions to the kernel, config.c creates their configuration space.

#include <linux/pci.h>

#define CONFIG_SIZE 256
#define CAP_POWER 0x40
#define CAP_VENDOR 0x50
#define CAP_EXPRESS 0x80

struct address {
	unsigned int domain;
	u8 bus, devfn;
};

// Reads DOMAIN:BUS:DEVICE.FUNCTION and sets the number of characters read.
int gpu_bus_parse_address(const char *text, struct address *address, int *length);

// Reads a line of a scenario's file `pci`. Returns the configuration space of the function. The caller frees it
// with kfree.
u8 *gpu_bus_parse_function(const char *line, struct address *address);
