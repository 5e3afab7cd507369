import CUdev
import Dispatch
import Glibc
import Support
package import SystemPackage

/// Why the device monitor could not start.
package enum DeviceMonitorError: CausedError, Equatable {
    /// No netlink socket for events could be opened; the cause is the error of the last attempt.
    case cannotListen(Errno)

    package var description: String {
        switch self {
        case .cannotListen: "cannot listen for device events"
        }
    }

    package var cause: (any Error)? {
        switch self {
        case .cannotListen(let cause): cause
        }
    }
}

/// Signals that a PCI device was added, removed or bound to another kernel driver.
///
/// It listens to both event sources of libudev: the kernel, and udev, which sends an event after its rules have run.
/// In a container, events of udev arrive only in the host's network namespace, and libudev does not report that they
/// are missing. Events of the kernel always arrive. The signal has no details: the receiver scans the whole bus.
package final class DeviceMonitor: Sendable {
    /// A stream with one element for all events since the previous element was taken.
    ///
    /// It ends when the monitor stops. It supports only one consumer.
    package let events: AsyncStream<Void>

    private let continuation: AsyncStream<Void>.Continuation
    // Any thread may cancel a source, but Dispatch does not declare it as Sendable.
    nonisolated(unsafe) private let sources: [any DispatchSourceRead]

    /// Starts to listen.
    ///
    /// - Parameter names: libudev's names of the event sources. Sources that cannot be opened are skipped.
    /// - Throws: `cannotListen` when no source can be opened, for example because netlink is forbidden.
    package init(sources names: [String] = ["kernel", "udev"]) throws(DeviceMonitorError) {
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let queue = DispatchQueue(label: "device-monitor")
        var cause = Errno(rawValue: 0)
        var sources: [any DispatchSourceRead] = []
        for name in names {
            switch Self.listen(to: name, on: queue, continuation) {
            case .success(let source): sources.append(source)
            case .failure(.cannotListen(let last)): cause = last
            }
        }
        guard !sources.isEmpty else { throw .cannotListen(cause) }
        self.sources = sources
    }

    deinit { stop() }

    /// Stops listening and ends `events`; further calls have no effect.
    package func stop() {
        for source in sources { source.cancel() }
        continuation.finish()
    }

    private static func listen(
        to name: String,
        on queue: DispatchQueue,
        _ continuation: AsyncStream<Void>.Continuation
    ) -> Result<any DispatchSourceRead, DeviceMonitorError> {
        guard let udev = udev_new() else { return .failure(.cannotListen(Errno(rawValue: errno))) }
        guard let monitor = udev_monitor_new_from_netlink(udev, name) else {
            let cause = Errno(rawValue: errno)
            udev_unref(udev)
            return .failure(.cannotListen(cause))
        }
        udev_monitor_filter_add_match_subsystem_devtype(monitor, "pci", nil)
        let result = udev_monitor_enable_receiving(monitor)
        guard result >= 0 else {
            udev_monitor_unref(monitor)
            udev_unref(udev)
            return .failure(.cannotListen(Errno(rawValue: -result)))
        }
        // Only the handlers below use these values, all on one queue. The cancel handler frees them.
        nonisolated(unsafe) let receiver = monitor
        nonisolated(unsafe) let library = udev
        let source = DispatchSource.makeReadSource(fileDescriptor: udev_monitor_get_fd(monitor), queue: queue)
        source.setEventHandler {
            // The socket is non-blocking. Without reading all events, the source would fire again at once.
            while let device = udev_monitor_receive_device(receiver) {
                udev_device_unref(device)
                continuation.yield()
            }
        }
        source.setCancelHandler {
            udev_monitor_unref(receiver)
            udev_unref(library)
        }
        source.activate()
        return .success(source)
    }
}
