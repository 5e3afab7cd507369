// Starting a child process that gets three descriptors and no other, and a descriptor of the process itself.
// Swift does not see posix_spawn_file_actions_addclosefrom_np, and pidfd_open has a wrapper only in newer C libraries.

#ifndef GPA_SPAWN_H
#define GPA_SPAWN_H

#include <sys/types.h>

// Starts `path` in a process group of its own, with default signal handlers and an empty signal mask.
// `descriptors` become its 0, 1 and 2. Returns 0 or an errno; on success the caller reaps *pid and closes *pidfd.
int gpa_spawn(
    const char *_Nonnull path,
    char *_Nullable const *_Nonnull arguments,
    char *_Nullable const *_Nonnull environment,
    const int *_Nonnull descriptors,
    pid_t *_Nonnull pid,
    int *_Nonnull pidfd
);

#endif
