// The faults that the hardware file asks for (README.md): how a call of a stand-in library fails, hangs or lies.

#ifndef GPU_SIM_FAULTS_H
#define GPU_SIM_FAULTS_H

// Whether the fault is one of this library's driver version.
static bool sim_is_ours(const struct sim_fault *fault) {
    return fault->version[0] == '\0' || strcmp(fault->version, STANDIN_VERSION) == 0;
}

// The count that the hardware file wants a function to return instead of the true one.
__attribute__((unused)) static unsigned sim_count(const char *symbol, unsigned count) {
    for (int at = 0; at < sim.fault_count; at++) {
        const struct sim_fault *fault = &sim.faults[at];
        if (fault->kind != SIM_COUNT || !sim_is_ours(fault)) continue;
        if (strcmp(fault->symbol, symbol) == 0) return fault->count;
    }
    return count;
}

// Whether the hardware file wants a function to give a wrong value for a GPU.
__attribute__((unused)) static bool sim_is_wrong(const char *symbol, int gpu) {
    for (int at = 0; at < sim.fault_count; at++) {
        const struct sim_fault *fault = &sim.faults[at];
        if (fault->kind != SIM_WRONG || !sim_is_ours(fault) || (fault->gpu >= 0 && fault->gpu != gpu)) continue;
        if (strcmp(fault->symbol, symbol) == 0) return true;
    }
    return false;
}

// Starts a helper process that outlives the caller, keeps none of its descriptors, and can be recognized by its argument.
static void sim_fork(void) {
    if (fork() != 0) return;
    for (int fd = 0; fd < 64; fd++) close(fd);
    execlp("sleep", "sleep", "86399", (char *)NULL);
    _exit(127);
}

// Causes the fault that the hardware file asks for here: returns its code, or does not return. Returns 0 when there is none.
static int sim_fault(const char *symbol, int gpu) {
    for (int at = 0; at < sim.fault_count; at++) {
        const struct sim_fault *fault = &sim.faults[at];
        if (strcmp(fault->symbol, symbol) != 0 || (fault->gpu >= 0 && fault->gpu != gpu)) continue;
        if (fault->kind == SIM_COUNT || fault->kind == SIM_WRONG || !sim_is_ours(fault)) continue;
        if (fault->kind == SIM_CODE) return fault->code;
        if (fault->kind == SIM_FORK) {
            sim_fork();
            continue;
        }
        if (fault->kind == SIM_SLEEP) {
            usleep(fault->count * 1000);
            continue;
        }
        if (fault->kind == SIM_EAT) {
            for (char *some; (some = malloc(1 << 24)) != NULL;) *(volatile char *)some = 1;
            abort();
        }
        if (fault->kind == SIM_CRASH) {
            signal(SIGSEGV, SIG_DFL);
            raise(SIGSEGV);
        }
        // The caller of vfork waits in state D until its child ends, as a process does in a driver that hangs.
        if (fault->kind == SIM_STUCK && vfork() == 0) {
            for (;;) pause();
        }
        for (;;) pause();
    }
    return 0;
}

#endif
