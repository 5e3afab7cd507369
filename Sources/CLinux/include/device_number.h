/* The number of an open character device, through statx(2), which Swift's Glibc does not have. */
#ifndef GPA_DEVICE_NUMBER_H
#define GPA_DEVICE_NUMBER_H

#include <stdint.h>

/* Looks at the entry `name` of the open directory, /proc/PID/fd, and follows its link. Returns 1 for a character device
 * and stores its number, 0 for anything else, and -1 with errno. A file of a network file system is not asked for at its
 * server (AT_STATX_DONT_SYNC), because a server that is down would make the call wait. */
int gpa_device_number(int directory, const char *name, uint32_t *major, uint32_t *minor);

#endif
