#include "gpa_spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int spawn(
    const char *path,
    char *const *arguments,
    char *const *environment,
    const int *descriptors,
    posix_spawn_file_actions_t *actions,
    posix_spawnattr_t *attributes,
    pid_t *pid
) {
    int error = 0;
    for (int to = 0; to < 3 && error == 0; to++) {
        error = posix_spawn_file_actions_adddup2(actions, descriptors[to], to);
    }
    if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(actions, 3);

    sigset_t every, none;
    sigfillset(&every);
    sigemptyset(&none);
    short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    if (error == 0) error = posix_spawnattr_setflags(attributes, flags);
    if (error == 0) error = posix_spawnattr_setpgroup(attributes, 0);
    if (error == 0) error = posix_spawnattr_setsigdefault(attributes, &every);
    if (error == 0) error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0) error = posix_spawn(pid, path, actions, attributes, arguments, environment);
    return error;
}

int gpa_spawn(
    const char *path,
    char *const *arguments,
    char *const *environment,
    const int *descriptors,
    pid_t *pid,
    int *pidfd
) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = spawn(path, arguments, environment, descriptors, &actions, &attributes, pid);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return error;

    // The child is not reaped yet, so its number cannot have gone to another process.
    *pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
    if (*pidfd >= 0) return 0;
    error = errno;
    kill(*pid, SIGKILL);
    waitpid(*pid, NULL, 0);
    return error;
}
