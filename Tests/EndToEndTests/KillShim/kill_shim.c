// Kills the agent at an exact moment: loaded with LD_PRELOAD, it counts the agent's renames onto journal.json, each of
// which makes one write of the journal final, and sends SIGKILL just before or just after the one that is asked for.
//
//   KILL_SHIM_SIDE=before|after  KILL_SHIM_WRITE=N   when to kill; without them nothing is killed
//   KILL_SHIM_LOG=FILE                               takes one byte for each rename that was done

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*renameat_function)(int, const char *, int, const char *);

static void kill_when(const char *side, int write_number) {
    const char *wanted_side = getenv("KILL_SHIM_SIDE"), *wanted = getenv("KILL_SHIM_WRITE");
    if (wanted_side == NULL || wanted == NULL || strcmp(side, wanted_side) != 0 || atoi(wanted) != write_number) return;
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void note(void) {
    const char *path = getenv("KILL_SHIM_LOG");
    int file = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) return;
    if (write(file, ".", 1) != 1) abort();
    close(file);
}

int renameat(int from, const char *name, int to, const char *new_name) {
    static atomic_int writes;
    // No function of glibc has this type: a pointer from dlsym is cast as POSIX asks for.
    renameat_function next = (renameat_function)dlsym(RTLD_NEXT, "renameat");
    if (strcmp(new_name, "journal.json") != 0) return next(from, name, to, new_name);
    int number = atomic_fetch_add(&writes, 1) + 1;
    kill_when("before", number);
    int result = next(from, name, to, new_name);
    if (result == 0) note();
    kill_when("after", number);
    return result;
}
