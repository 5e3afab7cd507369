#ifndef GPA_HEAP_H
#define GPA_HEAP_H

/* Gives what was freed of the heap back to the system. */
void gpa_heap_trim(void);

#endif
