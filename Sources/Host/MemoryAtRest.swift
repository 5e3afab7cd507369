import CLinux

/// Gives back to the system what the process needs no more before it rests: freed memory, and code that has run.
///
/// A look reads megabytes and runs most of the program, and the daemon then rests for minutes.
package func giveBackMemory() {
    gpa_rest()
}
