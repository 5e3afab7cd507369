/* What a process gives back to the system before it rests. */
#ifndef GPA_REST_H
#define GPA_REST_H

/* Makes all threads use one heap. */
void gpa_use_one_arena(void);

/* Gives back what was freed of the heap, and the read-only pages of the program: they come from its file, so the kernel
 * brings back, page by page, those that are needed again. */
void gpa_rest(void);

#endif
