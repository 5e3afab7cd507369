/// When the daemon waits for the events of NVML.
package enum NVMLEventUse: String, Sendable, CaseIterable {
    /// When it cannot read the kernel log, which says more.
    case auto
    /// Always, in addition to the kernel log.
    case on
    case off
}
