/* Writes to the disk that start early. */
#ifndef GPA_WRITEBACK_H
#define GPA_WRITEBACK_H

#include <sys/types.h>

/* Starts to write a part of a file to the disk. It can wait for a busy disk, but not for the end of the write. An error is
   that of the next fsync. */
void gpa_begin_writeback(int file, off_t offset, off_t length);

#endif
