import CUdev
import Dispatch
import Glibc
import Support
package import SystemPackage

/// Why the device monitor could not start.
package enum DeviceMonitorError: CausedError, Equatable {
    /// No netlink socket for events could be opened. The cause is that of the last attempt.
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

/// Says "look again" when a PCI device came, went or changed hands.
///
/// It listens to both sources that libudev knows: the kernel's own events, and udev's, which come once udev's rules
/// have run. In a container udev's do not arrive unless the network namespace is the host's, and libudev cannot tell;
/// the kernel's do. Nothing about the event is passed on: whoever is told looks at the whole bus.
package final class DeviceMonitor: Sendable {
    /// One element for any number of events since the last one was taken.
    ///
    /// It ends when the monitor stops. One consumer only.
    package let events: AsyncStream<Void>

    private let continuation: AsyncStream<Void>.Continuation
    // A source may be cancelled from any thread; Dispatch does not say so to the compiler.
    nonisolated(unsafe) private let sources: [any DispatchSourceRead]

    /// Starts to listen.
    ///
    /// - Parameter names: libudev's names of event sources; those that cannot be opened are done without.
    /// - Throws: `cannotListen` when none of them can be opened, such as where netlink is forbidden.
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

    /// Stops listening and ends `events`; more than one call does nothing more.
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
        // Used by one queue alone: the handlers below, and freed when the source lets go of the descriptor.
        nonisolated(unsafe) let receiver = monitor
        nonisolated(unsafe) let library = udev
        let source = DispatchSource.makeReadSource(fileDescriptor: udev_monitor_get_fd(monitor), queue: queue)
        source.setEventHandler {
            // The socket does not block; it is emptied, or the source would fire again at once.
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
