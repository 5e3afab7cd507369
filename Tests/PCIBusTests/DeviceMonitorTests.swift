import Glibc
import PCIBus
import SystemPackage
import Testing

@Suite struct DeviceMonitorTests {
    /// A file that makes the kernel send an event for a PCI device that has not changed; nil where there is none.
    static let trigger: String? = {
        guard let directory = opendir("/sys/bus/pci/devices") else { return nil }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let file = "/sys/bus/pci/devices/\(name)/uevent"
            if !name.hasPrefix("."), access(file, W_OK) == 0 { return file }
        }
        return nil
    }()

    @Test(
        .enabled(if: trigger != nil, "events of the kernel can be asked for by root, and with a PCI device"),
        .timeLimit(.minutes(1))
    )
    func anEventSaysLookAgain() async throws {
        let monitor = try DeviceMonitor(sources: ["kernel"])
        let file = try #require(Self.trigger)
        // Three events, and one or more elements: they only say "look again".
        for _ in 0..<3 {
            let descriptor = open(file, O_WRONLY)
            #expect(Glibc.write(descriptor, "change", 6) == 6)
            close(descriptor)
        }
        var events = monitor.events.makeAsyncIterator()
        #expect(await events.next() != nil)
        monitor.stop()
    }

    @Test(.timeLimit(.minutes(1)))
    func stoppingEndsTheStreamAtOnce() async throws {
        let monitor = try DeviceMonitor()
        let listener = Task {
            var count = 0
            for await _ in monitor.events { count += 1 }
            return count
        }
        monitor.stop()
        monitor.stop()
        _ = await listener.value
    }

    @Test func aSourceThatCannotBeOpenedIsAnErrorWithItsNumber() {
        #expect(throws: DeviceMonitorError.cannotListen(Errno(rawValue: EINVAL))) {
            try DeviceMonitor(sources: ["nonsense"])
        }
    }

    @Test func oneSourceIsEnough() throws {
        try DeviceMonitor(sources: ["nonsense", "kernel"]).stop()
    }
}
