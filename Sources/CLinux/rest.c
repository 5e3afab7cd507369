#include "rest.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void gpa_use_one_arena(void) {
    mallopt(M_ARENA_MAX, 1);
}

static int give_back_files(struct dl_phdr_info *program, size_t size, void *unused) {
    (void)size;
    (void)unused;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
        // Nobody writes to these pages, so the kernel reads them from the file again when they are needed.
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t start = (program->dlpi_addr + segment->p_vaddr + page - 1) & ~(page - 1);
        uintptr_t end = (program->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);
        // A refusal costs nothing but the memory.
        if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
    }
    // The first is the program itself; its libraries are shared with others.
    return 1;
}

void gpa_rest(void) {
    malloc_trim(0);
    dl_iterate_phdr(give_back_files, NULL);
}
