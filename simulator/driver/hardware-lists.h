// The lines `process`, `profile` and `system` of the hardware file. Part of hardware.h.

#ifndef GPU_SIM_HARDWARE_LISTS_H
#define GPU_SIM_HARDWARE_LISTS_H

static bool sim_process_value(struct sim_process *process, const char *key, const char *value) {
    unsigned long long number = 0;
    if (strcmp(key, "graphics") == 0) return process->graphics = true;
    if (!sim_number(value, 10, &number) || number > UINT_MAX) return false;
    if (strcmp(key, "pid") == 0) process->pid = (unsigned)number;
    else if (strcmp(key, "gi") == 0) process->gi = (unsigned)number;
    else if (strcmp(key, "ci") == 0) process->ci = (unsigned)number;
    else if (strcmp(key, "memoryMiB") == 0) process->memory_mib = number;
    else return false;
    return true;
}

static bool sim_process_line(int gpu, char *line) {
    char *key = NULL, *value = NULL;
    int word;
    if (sim.process_count == SIM_PROCESSES) return false;
    struct sim_process *process = &sim.processes[sim.process_count++];
    *process = (struct sim_process){.gpu = gpu, .gi = UINT_MAX, .ci = UINT_MAX, .memory_mib = ULLONG_MAX};
    while ((word = sim_word(&line, &key, &value)) == 1) {
        if (!sim_process_value(process, key, value)) return false;
    }
    return word == 0;
}

static bool sim_profile_value(struct sim_profile *profile, const char *key, const char *value) {
    unsigned long long number = 0;
    if (strcmp(key, "name") == 0) return sim_text(profile->name, sizeof profile->name, value);
    if (strcmp(key, "places") == 0) return sim_text(profile->places, sizeof profile->places, value);
    if (!sim_number(value, 10, &number) || number > UINT_MAX) return false;
    if (strcmp(key, "number") == 0) profile->number = (int)number;
    else if (strcmp(key, "id") == 0) profile->id = (unsigned)number;
    else if (strcmp(key, "slices") == 0) profile->slices = (unsigned)number;
    else if (strcmp(key, "instances") == 0) profile->instances = (unsigned)number;
    else if (strcmp(key, "sm") == 0) profile->sm = (unsigned)number;
    else if (strcmp(key, "decoders") == 0) profile->decoders = (unsigned)number;
    else if (strcmp(key, "encoders") == 0) profile->encoders = (unsigned)number;
    else if (strcmp(key, "jpeg") == 0) profile->jpeg = (unsigned)number;
    else if (strcmp(key, "ofa") == 0) profile->ofa = (unsigned)number;
    else if (strcmp(key, "memoryMiB") == 0) profile->memory_mib = number;
    else return false;
    return true;
}

static bool sim_profile_line(int gpu, char *line) {
    char *key = NULL, *value = NULL;
    int word;
    if (sim.profile_count == SIM_PROFILES) return false;
    struct sim_profile *profile = &sim.profiles[sim.profile_count++];
    *profile = (struct sim_profile){.gpu = gpu};
    while ((word = sim_word(&line, &key, &value)) == 1) {
        if (!sim_profile_value(profile, key, value)) return false;
    }
    return word == 0;
}

// `mode GPU current pending`, which only the file of changes has: each is 0 or 1.
static bool sim_mode_line(int gpu, char *line) {
    return sscanf(line, "%d %d", &sim.gpus[gpu].mig, &sim.gpus[gpu].pending_mig) == 2;
}

// The first word of the line was read before.
static bool sim_system_line(char *key, char *value, char *line) {
    int word;
    do {
        if (sim.system_count == SIM_SETTINGS) return false;
        struct sim_trait *setting = &sim.system[sim.system_count++];
        if (!sim_text(setting->name, sizeof setting->name, key)) return false;
        if (!sim_text(setting->value, sizeof setting->value, value)) return false;
    } while ((word = sim_word(&line, &key, &value)) == 1);
    return word == 0;
}

#endif
