// A function that the agent looks up with dlsym, and the member of a table that its pointer belongs to.

#ifndef GPA_SYMBOL_H
#define GPA_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *_Nonnull name;
    // The offset of the member in the table, in bytes.
    size_t offset;
    bool is_required;
} gpa_symbol_t;

#endif
