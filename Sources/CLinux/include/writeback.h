/* The begin of a write to the disk. */
#ifndef GPA_WRITEBACK_H
#define GPA_WRITEBACK_H

#include <sys/types.h>

/* Begins to write a part of a file to the disk, and does not wait for its end. An error is that of the next fsync. */
void gpa_begin_writeback(int file, off_t offset, off_t length);

#endif
