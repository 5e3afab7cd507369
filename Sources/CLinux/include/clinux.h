/* The few system calls and callbacks that Swift cannot express: one header and one .c file per facility. */
#ifndef GPA_CLINUX_H
#define GPA_CLINUX_H

#include "openat2.h"

#endif
