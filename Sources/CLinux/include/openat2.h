/* openat2(2), which glibc does not wrap: the only call that resolves a path, links and all, inside a root that is not
 * the caller's own. Kernel 5.6 or newer. */
#ifndef GPA_OPENAT2_H
#define GPA_OPENAT2_H

#include <stdint.h>

/* O_PATH, which the headers hide from Swift: a descriptor that names a file without opening it. */
static const int GPA_O_PATH = 010000000;

/* Opens path below the directory root. An absolute link and ".." stay inside it (RESOLVE_IN_ROOT), and magic links as in
 * /proc/PID/fd are refused. O_CLOEXEC is always set. Returns a descriptor, or -1 with errno. */
int gpa_open_in_root(int root, const char *path, uint64_t flags, uint64_t mode);

#endif
