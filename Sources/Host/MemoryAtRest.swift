import CLinux

/// Returns memory that the process does not need while it is idle: freed heap, and pages of the program that were read.
///
/// Reading the node takes megabytes and runs most of the program. The daemon is then idle for minutes.
package func giveBackMemory() {
    gpa_rest()
}

/// Makes all threads allocate from one heap.
///
/// By default, glibc gives threads heaps of their own, and each keeps what its threads freed. The agent is idle most of
/// the time, so a small heap counts more than the speed of allocations. Call it before the first thread starts.
package func useOneHeap() {
    gpa_use_one_arena()
}
