/* The few system calls and callbacks that Swift cannot express: one header and one .c file per facility. */
#ifndef GPA_CLINUX_H
#define GPA_CLINUX_H

#include "device_number.h"
#include "gpa_spawn.h"
#include "rest.h"
#include "openat2.h"
#include "pci_guard.h"
#include "writeback.h"

#endif
