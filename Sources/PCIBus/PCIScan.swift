import Dispatch
package import GPUNode
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
        await withCheckedContinuation { continuation in
            let answer = FirstAnswer(continuation)
            queue.async {
                guard answer.isAwaited else { return }
                answer.give(BusWalk(sysfs: sysfs, nameLists: nameLists).run())
            }
            DispatchQueue.global().asyncAfter(deadline: .now() + .init(deadline)) {
                let failure = ReadFailure(.hang, "no answer from \(sysfs)/bus/pci within \(deadline)")
                answer.give(PCIScanResult(functions: .unreadable(failure)))
            }
        }
    }
}

/// Resumes a waiting task with the first of several answers.
private final class FirstAnswer: Sendable {
    private let continuation: Mutex<CheckedContinuation<PCIScanResult, Never>?>

    init(_ continuation: CheckedContinuation<PCIScanResult, Never>) {
        self.continuation = Mutex(continuation)
    }

    var isAwaited: Bool { continuation.withLock { $0 != nil } }

    func give(_ result: PCIScanResult) {
        let waiting = continuation.withLock { held in
            defer { held = nil }
            return held
        }
        waiting?.resume(returning: result)
    }
}

extension DispatchTimeInterval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(Int(clamping: seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000))
    }
}
