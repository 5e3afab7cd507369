/* What a process gives back to the system before it rests. */
#ifndef GPA_REST_H
#define GPA_REST_H

/* Gives back what was freed of the heap, and the pages of the program's own code: they are read-only and come from its
 * file, so the kernel brings back, page by page, those that are run again. */
void gpa_rest(void);

#endif
