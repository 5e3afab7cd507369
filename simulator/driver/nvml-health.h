// The functions of NVML about limits, errors and what a GPU does now. They answer with traits, as in nvml-traits.h. Part of
// libnvidia-ml.c.

#ifndef GPU_SIM_NVML_HEALTH_H
#define GPU_SIM_NVML_HEALTH_H

NUMBER_FUNCTION(nvmlDeviceGetPowerUsage, "power")
NUMBER_FUNCTION(nvmlDeviceGetEnforcedPowerLimit, "powerLimit")
NUMBER_FUNCTION(nvmlDeviceGetPerformanceState, "performanceState")
NUMBER_FUNCTION(nvmlDeviceGetCurrPcieLinkGeneration, "pcieGeneration")
NUMBER_FUNCTION(nvmlDeviceGetCurrPcieLinkWidth, "pcieWidth")
NUMBER_FUNCTION(nvmlDeviceGetMaxPcieLinkGeneration, "pcieMaxGeneration")
NUMBER_FUNCTION(nvmlDeviceGetMaxPcieLinkWidth, "pcieMaxWidth")

// Answers with one of several traits, which a number selects.
static nvmlReturn_t choose(
    nvmlDevice_t device, const char *const *traits, int count, int choice, unsigned int *number
) {
    if (choice < 0 || choice >= count) return INVALID_ARGUMENT;
    const char *value = traits[choice] == NULL ? NULL : trait_of(device, traits[choice]);
    if (value == NULL) return NOT_SUPPORTED;
    *number = (unsigned int)number_of(value);
    return OK;
}

NVML(nvmlDeviceGetClockInfo, nvmlDevice_t device, int clock, unsigned int *megahertz) {
    static const char *const clocks[] = {"graphicsClock", "smClock", "memoryClock", "videoClock"};
    ENTER_DEVICE(device, megahertz);
    return choose(device, clocks, 4, clock, megahertz);
}

NVML(nvmlDeviceGetMaxClockInfo, nvmlDevice_t device, int clock, unsigned int *megahertz) {
    static const char *const clocks[] = {"maxGraphicsClock", "maxSMClock", "maxMemoryClock", NULL};
    ENTER_DEVICE(device, megahertz);
    return choose(device, clocks, 4, clock, megahertz);
}

NVML(nvmlDeviceGetTemperatureThreshold, nvmlDevice_t device, int threshold, unsigned int *temperature) {
    static const char *const thresholds[] = {"temperatureShutdown", "temperatureSlowdown", NULL, NULL};
    ENTER_DEVICE(device, temperature);
    return choose(device, thresholds, 4, threshold, temperature);
}

NVML(nvmlDeviceGetTemperature, nvmlDevice_t device, int sensor, unsigned int *temperature) {
    static const char *const sensors[] = {"temperature"};
    ENTER_DEVICE(device, temperature);
    return choose(device, sensors, 1, sensor, temperature);
}

typedef struct {
    unsigned int gpu, memory;
} nvmlUtilization_t;

NVML(nvmlDeviceGetUtilizationRates, nvmlDevice_t device, nvmlUtilization_t *utilization) {
    ENTER_DEVICE(device, utilization);
    const char *gpu = trait_of(device, "gpuUtilization"), *memory = trait_of(device, "memoryUtilization");
    if (gpu == NULL || memory == NULL) return NOT_SUPPORTED;
    *utilization = (nvmlUtilization_t){(unsigned int)number_of(gpu), (unsigned int)number_of(memory)};
    return OK;
}

// The trait is the mask of the reasons.
static nvmlReturn_t reasons_of(nvmlDevice_t device, unsigned long long *reasons) {
    const char *value = trait_of(device, "clockEventReasons");
    if (value == NULL) return NOT_SUPPORTED;
    *reasons = number_of(value);
    return OK;
}

NVML(nvmlDeviceGetCurrentClocksThrottleReasons, nvmlDevice_t device, unsigned long long *reasons) {
    ENTER_DEVICE(device, reasons);
    return reasons_of(device, reasons);
}

// Which member of the value is set is different for each field, as in the real library.
typedef struct {
    unsigned int fieldId, scopeId;
    long long timestamp, latencyUsec;
    int valueType;
    nvmlReturn_t nvmlReturn;
    union {
        double dVal;
        int siVal;
        unsigned int uiVal;
        unsigned long ulVal;
        unsigned long long ullVal;
        long long sllVal;
        unsigned short usVal;
    } value;
} nvmlFieldValue_t;

static const struct {
    unsigned int id;
    int type;  // 1: unsigned int; 3: unsigned long long
    int since; // the branch of the driver
    const char *trait;
} fields[] = {
    {3, 3, 0, "eccCorrected"},
    {4, 3, 0, "eccUncorrected"},
    {5, 3, 0, "eccCorrectedEver"},
    {6, 3, 0, "eccUncorrectedEver"},
    {29, 1, 0, "retiredPagesSingleBit"},
    {30, 1, 0, "retiredPagesDoubleBit"},
    {31, 1, 0, "retiredPagesPending"},
    {82, 1, 0, "memoryTemperature"},
    {94, 1, 0, "pcieReplays"},
    {142, 1, 0, "remappedRowsCorrectable"},
    {143, 1, 0, "remappedRowsUncorrectable"},
    {144, 1, 0, "remappedRowsPending"},
    {145, 1, 0, "remappedRowsFailed"},
    {230, 1, 560, "recoveryAction"},
};

static void field_of(nvmlDevice_t device, nvmlFieldValue_t *field) {
    // What is in the bytes that the type does not use is not defined.
    memset(&field->value, 0xa5, sizeof field->value);
    field->nvmlReturn = INVALID_ARGUMENT;
    for (size_t at = 0; at < sizeof fields / sizeof fields[0]; at++) {
        if (fields[at].id != field->fieldId || STANDIN_BRANCH < fields[at].since) continue;
        const char *value = trait_of(device, fields[at].trait);
        field->nvmlReturn = value == NULL ? NOT_SUPPORTED : OK;
        if (value == NULL) return;
        field->valueType = fields[at].type;
        if (fields[at].type == 1) field->value.uiVal = (unsigned int)number_of(value);
        if (fields[at].type == 3) field->value.ullVal = number_of(value);
    }
}

NVML(nvmlDeviceGetFieldValues, nvmlDevice_t device, int count, nvmlFieldValue_t *values) {
    ENTER_DEVICE_WITH(device, values, sizeof *values * (size_t)(count > 0 ? count : 0), NULL, 0);
    if (count <= 0) return INVALID_ARGUMENT;
    for (int at = 0; at < count; at++) field_of(device, &values[at]);
    return OK;
}

#if STANDIN_BRANCH >= 535
NVML(nvmlDeviceGetCurrentClocksEventReasons, nvmlDevice_t device, unsigned long long *reasons) {
    ENTER_DEVICE(device, reasons);
    return reasons_of(device, reasons);
}

typedef struct {
    unsigned int version;
    unsigned long long aggregateUncParity, aggregateUncSecDed, aggregateCor;
    unsigned long long volatileUncParity, volatileUncSecDed, volatileCor;
    unsigned long long aggregateUncBucketL2, aggregateUncBucketSm, aggregateUncBucketPcie;
    unsigned long long aggregateUncBucketMcu, aggregateUncBucketOther;
    unsigned int bThresholdExceeded;
} nvmlEccSramErrorStatus_t;

NVML(nvmlDeviceGetSramEccErrorStatus, nvmlDevice_t device, nvmlEccSramErrorStatus_t *status) {
    ENTER_DEVICE(device, status);
    if (status->version != (1u << 24 | sizeof *status)) return ARGUMENT_VERSION_MISMATCH;
    const char *errors = trait_of(device, "sramUncorrectedEver");
    const char *exceeded = trait_of(device, "sramThresholdExceeded");
    if (errors == NULL) return NOT_SUPPORTED;
    // The errors are half of one kind and half of the other.
    status->aggregateUncParity = number_of(errors) / 2;
    status->aggregateUncSecDed = number_of(errors) - status->aggregateUncParity;
    status->bThresholdExceeded = exceeded != NULL && number_of(exceeded) != 0;
    return OK;
}
#endif

#if STANDIN_BRANCH >= 570
typedef struct {
    unsigned int version;
    int sensorType, temperature;
} nvmlTemperature_t;

NVML(nvmlDeviceGetTemperatureV, nvmlDevice_t device, nvmlTemperature_t *temperature) {
    ENTER_DEVICE(device, temperature);
    if (temperature->version != (1u << 24 | sizeof *temperature)) return ARGUMENT_VERSION_MISMATCH;
    const char *value = trait_of(device, "temperature");
    if (value == NULL) return NOT_SUPPORTED;
    temperature->temperature = (int)number_of(value);
    return OK;
}
#endif

#if STANDIN_BRANCH >= 590
typedef struct {
    unsigned int version, bChannelRepairPending, bTpcRepairPending;
} nvmlRepairStatus_t;

NVML(nvmlDeviceGetRepairStatus, nvmlDevice_t device, nvmlRepairStatus_t *status) {
    ENTER_DEVICE(device, status);
    if (status->version != (1u << 24 | sizeof *status)) return ARGUMENT_VERSION_MISMATCH;
    const char *channel = trait_of(device, "channelRepairPending"), *tpc = trait_of(device, "tpcRepairPending");
    if (channel == NULL || tpc == NULL) return NOT_SUPPORTED;
    status->bChannelRepairPending = number_of(channel) != 0;
    status->bTpcRepairPending = number_of(tpc) != 0;
    return OK;
}
#endif

#endif
