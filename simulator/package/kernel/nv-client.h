// What a module without the headers of the kernel needs of them.

#pragma once

#include "nv-ops.h"

extern struct module __this_module;

// The kernel calls these two.
int init_module(void);
void cleanup_module(void);

#define NV_MODULE_INFO(key, value) \
	static const char nv_##key[] __attribute__((section(".modinfo"), used, aligned(1))) = #key "=" value

// Begins a line of the level `info` in the kernel log.
#define NV_INFO "\0016"
