#include "device_number.h"

#include <fcntl.h>
#include <sys/stat.h>

int gpa_device_number(int directory, const char *name, uint32_t *major, uint32_t *minor) {
    struct statx status;
    if (statx(directory, name, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0) return -1;
    if (!S_ISCHR(status.stx_mode)) return 0;
    *major = status.stx_rdev_major;
    *minor = status.stx_rdev_minor;
    return 1;
}
