import CLinux

/// Returns memory that the process does not need while it is idle: freed heap, and pages of code that has run.
///
/// Reading the node takes megabytes and runs most of the program. The daemon is then idle for minutes.
package func giveBackMemory() {
    gpa_rest()
}
