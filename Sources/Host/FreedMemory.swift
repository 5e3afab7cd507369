import CLinux

/// Gives what was freed of the heap back to the system.
///
/// A look reads megabytes, and the daemon then rests for minutes: without this it would rest on all of them.
package func returnFreedMemory() {
    gpa_heap_trim()
}
