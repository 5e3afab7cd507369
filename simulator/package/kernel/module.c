// A stand-in kernel module: an object file with the .modinfo section of NVIDIA's module. No kernel ever loads it;
// the simulated host's kmod reads the section. The Makefile defines the strings that differ between the modules.

#include <generated/utsrelease.h>

// One of many strings. As in the real section, each string ends with a NUL.
static const char modinfo[] __attribute__((section(".modinfo"), used, aligned(8))) =
    "\0version=" NV_VERSION
    "\0license=" NV_LICENSE
    "\0description=Stand-in for " NV_MODULE
    "\0srcversion=" NV_SRCVERSION
    "\0depends=" NV_DEPENDS
    "\0name=" NV_MODULE
    "\0standin_kind=" NV_KIND
    "\0standin_built=" NV_BUILT
    "\0standin_compiler=" NV_COMPILER
    "\0vermagic=" UTS_RELEASE " SMP preempt mod_unload modversions ";

int init_module(void) { return modinfo[0]; }
