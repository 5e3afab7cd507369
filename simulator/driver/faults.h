// The faults that the hardware file asks for (README.md): how a call of a stand-in library fails, hangs or lies.

#ifndef GPU_SIM_FAULTS_H
#define GPU_SIM_FAULTS_H

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

// The GPU of a question about all GPUs.
#define SIM_ANY_GPU (-2)

// The number in this place of the SplitMix64 sequence of a seed, counted from 1.
static unsigned long long sim_random(unsigned long long seed, unsigned long long place) {
    unsigned long long mixed = seed + place * 0x9e3779b97f4a7c15ULL;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebULL;
    return mixed ^ mixed >> 31;
}

// A script that cannot count would test something else than it says.
static void sim_cannot_count(const char *path) {
    fprintf(stderr, "gpu-sim: cannot count in %s: %s\n", path, strerror(errno));
    abort();
}

// Counts a call, and returns whether the fault is in it. Each look is a process of its own, so a file has the number of
// calls and of faults until now.
static bool sim_fires(const struct sim_fault *fault) {
    if (!fault->counted) return true;
    char path[PATH_MAX + 128], text[64] = "";
    unsigned long long calls = 0, faults = 0;
    snprintf(path, sizeof path, "%s/etc/gpu-sim/calls", sim_host);
    mkdir(path, 0755);
    snprintf(
        path, sizeof path, "%s/etc/gpu-sim/calls/%s.%d", sim_host, fault->symbol, (int)(fault - sim.faults)
    );
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0 || flock(file, LOCK_EX) != 0) sim_cannot_count(path);
    if (pread(file, text, sizeof text - 1, 0) > 0) sscanf(text, "%llu %llu", &calls, &faults);
    calls++;
    bool fires = calls > fault->after && faults < fault->times && sim_random(fault->seed, calls) % 100 < fault->chance;
    faults += fires;
    int length = snprintf(text, sizeof text, "%20llu %20llu\n", calls, faults);
    if (pwrite(file, text, (size_t)length, 0) != length) sim_cannot_count(path);
    close(file);
    return fires;
}

// Whether the fault is in this call: it is one of this library's driver version, of this function and of this GPU.
static bool sim_hits(const struct sim_fault *fault, const char *symbol, int gpu) {
    if (fault->version[0] != '\0' && strcmp(fault->version, STANDIN_VERSION) != 0) return false;
    if (strcmp(fault->symbol, symbol) != 0) return false;
    if (fault->gpu >= 0 && gpu != SIM_ANY_GPU && fault->gpu != gpu) return false;
    return sim_fires(fault);
}

// The first fault of a kind that is in this call; NULL when there is none. Every line counts the call.
__attribute__((unused)) static const struct sim_fault *sim_find(int kind, const char *symbol, int gpu) {
    const struct sim_fault *found = NULL;
    for (int at = 0; at < sim.fault_count; at++) {
        const struct sim_fault *fault = &sim.faults[at];
        if ((int)fault->kind == kind && sim_hits(fault, symbol, gpu) && found == NULL) found = fault;
    }
    return found;
}

// The count that the hardware file wants a function to return instead of the true one.
__attribute__((unused)) static unsigned sim_count(const char *symbol, unsigned count) {
    const struct sim_fault *fault = sim_find(SIM_COUNT, symbol, SIM_ANY_GPU);
    return fault == NULL ? count : fault->count;
}

// Whether the hardware file wants a function to give a wrong value for a GPU.
__attribute__((unused)) static bool sim_is_wrong(const char *symbol, int gpu) {
    return sim_find(SIM_WRONG, symbol, gpu) != NULL;
}

// Fills a result with noise, of which there are four kinds: bytes without a NUL, bytes that are no ASCII, bytes of ones,
// and words that are small numbers.
static void sim_fill(unsigned seed, void *result, size_t size) {
    static unsigned long long place;
    unsigned char *bytes = result;
    for (size_t at = 0; at < size; at++) {
        unsigned char byte = (unsigned char)(sim_random(seed, ++place) >> 32);
        if (seed % 4 == 0) bytes[at] = byte == 0 ? 1 : byte;
        if (seed % 4 == 1) bytes[at] = byte | 0x80;
        if (seed % 4 == 2) bytes[at] = 0xff;
        if (seed % 4 == 3) bytes[at] = at % 4 == 0 ? byte : 0;
    }
}

// Fills what a function writes with noise when the hardware file asks for it. The second buffer can be NULL.
__attribute__((unused)) static bool sim_noise(
    const char *symbol, int gpu, void *first, size_t size, void *second, size_t second_size
) {
    const struct sim_fault *fault = sim_find(SIM_NOISE, symbol, gpu);
    if (fault == NULL) return false;
    if (first != NULL) sim_fill(fault->seed, first, size);
    if (second != NULL) sim_fill(fault->seed, second, second_size);
    return true;
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
    bool hits[SIM_FAULTS] = {false};
    // A fault that does not return must not keep the lines after it from counting.
    for (int at = 0; at < sim.fault_count; at++) {
        int kind = sim.faults[at].kind;
        if (kind == SIM_COUNT || kind == SIM_WRONG || kind == SIM_NOISE) continue;
        hits[at] = sim_hits(&sim.faults[at], symbol, gpu);
    }
    for (int at = 0; at < sim.fault_count; at++) {
        const struct sim_fault *fault = &sim.faults[at];
        if (!hits[at]) continue;
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
