import Dispatch
package import NodeModel
import Support
import Synchronization

/// The result of one scan of the PCI bus.
package struct PCIScanResult: Sendable, Equatable {
    /// All functions of vendor 10de, sorted by address; empty when the bus has none.
    package var functions: Reading<[PCIFunction]>
    /// Functions whose vendor could not be read, and functions of NVIDIA whose other registers could not be read.
    ///
    /// `functions` does not contain them, so a count of GPUs is unreliable unless this list is empty.
    package var unidentified: [UnidentifiedFunction]

    package init(functions: Reading<[PCIFunction]>, unidentified: [UnidentifiedFunction] = []) {
        self.functions = functions
        self.unidentified = unidentified
    }
}

/// Reads a list of device names; nil when there is none.
///
/// The scan calls it only when a function has no name yet.
package typealias PCINameSource = @Sendable () -> PCINameList?

/// Finds NVIDIA's functions on the PCI bus with libpci, in any sysfs tree.
///
/// The reads block and can hang on a broken device, so the scans run one after the other on a separate queue.
package struct PCIScan: Sendable {
    private let sysfs: String
    private let queue: DispatchQueue

    /// Creates a scan of the bus in one sysfs tree.
    ///
    /// - Parameter sysfs: The path where sysfs is mounted. A container sees the host's bus in its own `/sys`. With the
    ///   host's process namespace, `/proc/1/root/sys` is the host's sysfs. Links in sysfs are relative and stay in it.
    package init(sysfs: String = "/sys") {
        self.sysfs = sysfs
        queue = DispatchQueue(label: "pci-scan")
    }

    /// Scans every function of every domain.
    ///
    /// - Parameters:
    ///   - deadline: How long to wait for the result. A scan that takes longer delays the next one.
    ///   - names: Where to read the names of devices. The first list that has a device provides its name.
    /// - Returns: The functions; `unreadable` with the path when there is no bus, and `unreadable` (`hang`) after the
    ///   deadline.
    package func scan(
        deadline: Duration = .seconds(20),
        names: [PCINameSource] = []
    ) async -> PCIScanResult {
        let first = FirstAnswer<PCIScanResult>()
        queue.async {
            guard !first.isGiven else { return }
            first.give(BusWalk(sysfs: sysfs, names: names).run())
        }
        let failure = ReadFailure(.hang, "no answer from \(sysfs)/bus/pci within \(deadline)")
        let late = PCIScanResult(functions: .unreadable(failure))
        return await first.answer(within: deadline, otherwise: late, whenCancelled: nil)
    }
}
