// A library that only has to exist, such as libnvidia-ptxjitcompiler.so.1.
const char gpu_sim_stub_version[] = STUB_VERSION;
