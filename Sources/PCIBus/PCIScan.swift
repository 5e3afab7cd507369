import Dispatch
package import NodeModel
import Support
import Synchronization

/// What one look at the PCI bus found.
package struct PCIScanResult: Sendable, Equatable {
    /// Every function of vendor 10de, in order of address; empty when the bus was read and has none.
    package var functions: Reading<[PCIFunction]>
    /// The functions that could not be told apart from NVIDIA's, or are NVIDIA's and could not be described.
    ///
    /// They are missing in `functions`, so a count of GPUs cannot be trusted while there are any.
    package var unidentified: [UnidentifiedFunction]

    package init(functions: Reading<[PCIFunction]>, unidentified: [UnidentifiedFunction] = []) {
        self.functions = functions
        self.unidentified = unidentified
    }
}

/// A list of PCI ids with the names of devices (`pci.ids`).
package enum PCINameList: Sendable, Equatable {
    /// A file of this path, of our side; it must be a regular file.
    case file(String)
    /// The list that comes with our own libpci.
    case own
}

/// Looks for NVIDIA's functions on the PCI bus, with libpci, below any sysfs tree.
///
/// The reads block and can hang on a broken device, so they run on a queue of their own, one scan after the other.
package struct PCIScan: Sendable {
    private let sysfs: String
    private let queue: DispatchQueue

    /// A scan of the bus of one sysfs.
    ///
    /// - Parameter sysfs: Where sysfs is mounted. A container sees the host's bus in its own `/sys`; with the host's
    /// process namespace `/proc/1/root/sys` is the host's. Links inside sysfs are relative and stay inside.
    package init(sysfs: String = "/sys") {
        self.sysfs = sysfs
        queue = DispatchQueue(label: "pci-scan")
    }

    /// Looks at every function of every domain.
    ///
    /// - Parameters:
    /// - deadline: How long to wait. A scan that takes longer is given up, and the next one waits behind it.
    /// - nameLists: Where to look for the devices' names, each by the first list that has it.
    /// - Returns: `unreadable` with the path when there is no bus, and `unreadable` (`hang`) after the deadline.
    package func scan(
        deadline: Duration = .seconds(20),
        nameLists: [PCINameList] = [.own]
    ) async -> PCIScanResult {
        let first = FirstAnswer<PCIScanResult>()
        queue.async {
            guard !first.isGiven else { return }
            first.give(BusWalk(sysfs: sysfs, nameLists: nameLists).run())
        }
        let failure = ReadFailure(.hang, "no answer from \(sysfs)/bus/pci within \(deadline)")
        let late = PCIScanResult(functions: .unreadable(failure))
        return await first.answer(within: deadline, otherwise: late, whenCancelled: nil)
    }
}
