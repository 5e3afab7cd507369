#include "heap.h"

#include <malloc.h>

void gpa_heap_trim(void) { malloc_trim(0); }
