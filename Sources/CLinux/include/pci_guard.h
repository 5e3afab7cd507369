/*
 * A scan of the PCI bus through libpci that always returns.
 *
 * libpci reports an error through a variadic callback that must not return; its own one calls exit(). Swift can
 * neither define a variadic C function nor jump over one, so the callback, and the setjmp/longjmp that lead back
 * out of libpci, stay in this file's .c.
 *
 * No function here is safe to use on one scan from two threads at once.
 */
#ifndef GPA_PCI_GUARD_H
#define GPA_PCI_GUARD_H

#include <stddef.h>
#include <stdint.h>

/* The room for one message of libpci, with its final NUL. */
#define GPA_PCI_MESSAGE_SIZE 512

struct gpa_pci_scan;

struct gpa_pci_place {
    uint32_t domain;
    uint8_t bus;
    uint8_t device;
    uint8_t function;
};

struct gpa_pci_identity {
    uint16_t vendor;
    uint16_t device;
    uint16_t class_code;
    uint8_t revision;
    uint16_t subsystem_vendor;
    uint16_t subsystem_device;
};

/* Lists the functions below BUS ("/sys/bus/pci"). NULL when libpci gave up; see gpa_pci_message(). */
struct gpa_pci_scan *_Nullable gpa_pci_open(const char *_Nonnull bus);

/* Moves to the next function: 1, or 0 after the last one. */
int gpa_pci_next(struct gpa_pci_scan *_Nonnull scan, struct gpa_pci_place *_Nonnull place);

/* Vendor and device id of the current function; the rest of IDENTITY is left alone. 0, or -1 when libpci gave up. */
int gpa_pci_identify(struct gpa_pci_scan *_Nonnull scan, struct gpa_pci_identity *_Nonnull identity);

/* Class, revision and subsystem of the current function. 0, or -1 when libpci gave up. */
int gpa_pci_describe(struct gpa_pci_scan *_Nonnull scan, struct gpa_pci_identity *_Nonnull identity);

/*
 * The first bytes of the current function's configuration space: how many could be read, or -1 when libpci gave up.
 * libpci reads a block whole or not at all, so this asks for four bytes at a time.
 */
int gpa_pci_read(struct gpa_pci_scan *_Nonnull scan, uint8_t *_Nonnull buffer, int capacity);

void gpa_pci_close(struct gpa_pci_scan *_Nonnull scan);

/*
 * What libpci last said on this thread, an error or a warning, since the last call of a function above.
 * Empty when it said nothing. Valid until the next call.
 */
const char *_Nonnull gpa_pci_message(void);

#endif
