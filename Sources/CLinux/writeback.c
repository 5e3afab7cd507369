#include "writeback.h"

#include <fcntl.h>

void gpa_begin_writeback(int file, off_t offset, off_t length) {
    // Without it, fsync does all of the work.
    (void)sync_file_range(file, offset, length, SYNC_FILE_RANGE_WRITE);
}
