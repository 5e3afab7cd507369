// Most of the stand-in for nvidia.ko in one run of the compiler: an emulated processor needs seconds for the headers of the
// kernel, and it would read them once for each file. nv-pci.c needs more headers, and is compiled at the same time. So each
// variable of these files needs a name of its own.

#include "nv-main.c"

#include "nv-caps.c"
