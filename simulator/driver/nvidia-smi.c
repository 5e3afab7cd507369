// A stand-in for nvidia-smi: a short table, and the one query that scripts use. It calls libnvidia-ml.so.1 and exits with
// the return code of that library, as the real program does: 9 when the driver is not loaded.

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef struct handle *nvmlDevice_t;

static void *library;

// Casting through a variable's address: ISO C has no cast from an object pointer to a function pointer.
#define FIND(variable, symbol)                                                    \
    do {                                                                          \
        *(void **)&(variable) = dlsym(library, symbol);                           \
        if ((variable) == NULL) {                                                 \
            printf("Failed to initialize NVML: Function Not Found\n");            \
            return 13;                                                            \
        }                                                                         \
    } while (0)

int main(int count, char **arguments) {
    int query = count == 3 && strcmp(arguments[1], "--query-gpu=driver_version") == 0
        && strcmp(arguments[2], "--format=csv,noheader") == 0;
    int list = count == 2 && strcmp(arguments[1], "-L") == 0;
    if (count != 1 && !query && !list) {
        printf("Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n");
        return 2;
    }

    library = dlopen("libnvidia-ml.so.1", RTLD_NOW);
    if (library == NULL) {
        printf("NVIDIA-SMI couldn't find libnvidia-ml.so.1 (%s)\n", dlerror());
        return 12;
    }
    int (*init)(void);
    const char *(*error_string)(int);
    int (*driver_version)(char *, unsigned int);
    int (*cuda_version)(int *);
    int (*gpu_count)(unsigned int *);
    int (*handle)(unsigned int, nvmlDevice_t *);
    int (*name)(nvmlDevice_t, char *, unsigned int);
    int (*uuid)(nvmlDevice_t, char *, unsigned int);
    int (*mig_handle)(nvmlDevice_t, unsigned int, nvmlDevice_t *);
    int (*mig_count)(nvmlDevice_t, unsigned int *);
    FIND(init, "nvmlInit_v2");
    FIND(error_string, "nvmlErrorString");
    FIND(driver_version, "nvmlSystemGetDriverVersion");
    FIND(cuda_version, "nvmlSystemGetCudaDriverVersion_v2");
    FIND(gpu_count, "nvmlDeviceGetCount_v2");
    FIND(handle, "nvmlDeviceGetHandleByIndex_v2");
    FIND(name, "nvmlDeviceGetName");
    FIND(uuid, "nvmlDeviceGetUUID");
    FIND(mig_handle, "nvmlDeviceGetMigDeviceHandleByIndex");
    FIND(mig_count, "nvmlDeviceGetMaxMigDeviceCount");

    int result = init();
    if (result == 9) {
        printf("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n");
        return result;
    }
    char version[80] = "";
    unsigned int gpus = 0;
    int cuda = 0;
    if (result == 0) result = driver_version(version, sizeof version);
    if (result == 0) result = cuda_version(&cuda);
    if (result == 0) result = gpu_count(&gpus);
    if (result != 0) {
        printf("Failed to initialize NVML: %s\n", error_string(result));
        return result;
    }
    if (gpus == 0) {
        printf("No devices were found\n");
        return 6;
    }
    if (!query && !list) {
        printf("NVIDIA-SMI %s   Driver Version: %s   CUDA Version: %d.%d\n", version, version, cuda / 1000, cuda % 1000 / 10);
    }
    for (unsigned int gpu = 0; gpu < gpus; gpu++) {
        if (query) {
            printf("%s\n", version);
            continue;
        }
        nvmlDevice_t device = NULL;
        char text[96], id[96];
        int failed = handle(gpu, &device);
        if (failed == 0) failed = name(device, text, sizeof text);
        if (failed == 0) failed = uuid(device, id, sizeof id);
        if (failed != 0) {
            printf("GPU %u: %s\n", gpu, error_string(failed));
            result = failed;
            continue;
        }
        printf("GPU %u: %s (UUID: %s)\n", gpu, text, id);
        unsigned int slots = 0;
        if (mig_count(device, &slots) != 0) slots = 0;
        for (unsigned int slot = 0; slot < slots; slot++) {
            nvmlDevice_t mig = NULL;
            if (mig_handle(device, slot, &mig) != 0 || name(mig, text, sizeof text) != 0
                || uuid(mig, id, sizeof id) != 0) {
                continue;
            }
            const char *profile = strstr(text, "MIG ");
            printf("  %-16s Device %2u: (UUID: %s)\n", profile != NULL ? profile : text, slot, id);
        }
    }
    return result;
}
