#include "pci_guard.h"

#include <pci/pci.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gpa_pci_scan {
    struct pci_access *access;
    struct pci_dev *next;
    struct pci_dev *current;
};

static _Thread_local char message[GPA_PCI_MESSAGE_SIZE];
static _Thread_local jmp_buf way_out;

static void say_and_leave(char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void say(char *format, ...) __attribute__((format(printf, 1, 2)));
static void say_nothing(char *format, ...) __attribute__((format(printf, 1, 2)));

static void say_and_leave(char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    longjmp(way_out, 1);
}

static void say(char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
}

static void say_nothing(char *format, ...) {
    (void)format;
}

struct gpa_pci_scan *gpa_pci_open(const char *bus) {
    message[0] = 0;
    struct gpa_pci_scan *scan = calloc(1, sizeof *scan);
    if (!scan) {
        say("out of memory");
        return NULL;
    }
    scan->access = pci_alloc();
    scan->access->method = PCI_ACCESS_SYS_BUS_PCI;
    scan->access->error = say_and_leave;
    scan->access->warning = say;
    scan->access->debug = say_nothing;
    if (setjmp(way_out)) {
        gpa_pci_close(scan);
        return NULL;
    }
    pci_set_param(scan->access, "sysfs.path", (char *)bus);
    pci_init(scan->access);
    pci_scan_bus(scan->access);
    scan->next = scan->access->devices;
    return scan;
}

int gpa_pci_next(struct gpa_pci_scan *scan, struct gpa_pci_place *place) {
    scan->current = scan->next;
    if (!scan->current) return 0;
    scan->next = scan->current->next;
    place->domain = (uint32_t)scan->current->domain;
    place->bus = scan->current->bus;
    place->device = scan->current->dev;
    place->function = scan->current->func;
    return 1;
}

int gpa_pci_identify(struct gpa_pci_scan *scan, struct gpa_pci_identity *identity) {
    message[0] = 0;
    if (setjmp(way_out)) return -1;
    pci_fill_info(scan->current, PCI_FILL_IDENT);
    identity->vendor = scan->current->vendor_id;
    identity->device = scan->current->device_id;
    return 0;
}

int gpa_pci_describe(struct gpa_pci_scan *scan, struct gpa_pci_identity *identity) {
    message[0] = 0;
    if (setjmp(way_out)) return -1;
    pci_fill_info(scan->current, PCI_FILL_CLASS | PCI_FILL_CLASS_EXT | PCI_FILL_SUBSYS);
    identity->class_code = scan->current->device_class;
    identity->revision = scan->current->rev_id;
    identity->subsystem_vendor = scan->current->subsys_vendor_id;
    identity->subsystem_device = scan->current->subsys_id;
    return 0;
}

int gpa_pci_read(struct gpa_pci_scan *scan, uint8_t *buffer, int capacity) {
    message[0] = 0;
    if (setjmp(way_out)) return -1;
    for (int place = 0;; place += 4)
        if (place + 4 > capacity || !pci_read_block(scan->current, place, buffer + place, 4)) return place;
}

void gpa_pci_close(struct gpa_pci_scan *scan) {
    /* The message of the failure that led here must survive, and cleaning up must not come back here. */
    char kept[GPA_PCI_MESSAGE_SIZE];
    memcpy(kept, message, sizeof kept);
    if (!setjmp(way_out)) pci_cleanup(scan->access);
    memcpy(message, kept, sizeof kept);
    free(scan);
}

const char *gpa_pci_message(void) {
    return message;
}
