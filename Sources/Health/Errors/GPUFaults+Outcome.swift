import Catalog
import NodeModel
import Support

extension GPUFaults {
    /// How many errors a finding describes.
    private static let shown = 8

    /// The errors of one class; those of NVSwitches only when asked for.
    func of(_ xidClass: XidClass) -> [Fault] {
        faults.filter { $0.xidClass == xidClass && $0.event.kind != .sxid }
    }

    var ofSwitches: [Fault] { faults.filter { $0.event.kind == .sxid } }

    /// The outcome about the errors that take GPUs away; nil when there are none.
    ///
    /// When such errors leave no GPU of the node, the GPUs do not work. Otherwise, the others do.
    func severe(_ xidClass: XidClass, on node: CheckedNode, expected: String, remedy: Remedy) -> Outcome? {
        let own = of(xidClass)
        guard !own.isEmpty else { return nil }
        let observed = Self.text(own)
        // The remedy of an error whose reset or reboot has happened is another one.
        let tests = own.allSatisfy { if case .test = $0.wait { true } else { false } }
        let remedy = tests ? Remedy.failedRetest : remedy
        return node.hasUsableGPU
            ? .warning(observed, expected: expected, remedy: remedy)
            : .failed(observed, expected: expected, remedy: remedy)
    }

    /// The errors for people: `0000:81:00.0: Xid 79 at 2026-11-28T14:00:00Z (GPU has fallen off the bus.)`.
    static func text(_ faults: [Fault]) -> String {
        let shown = faults.prefix(Self.shown).map(\.text)
        let rest = faults.count - shown.count
        return (shown + (rest > 0 ? ["and \(counted(rest, "more error"))"] : [])).joined(separator: "; ")
    }
}

extension GPUFaults.Fault {
    var text: String {
        let times =
            event.count == 1
            ? "at \(event.last.wholeSeconds)" : "\(event.count) times, last at \(event.last.wholeSeconds)"
        let waiting =
            switch wait {
            case .test(let why): ", and after its restart, \(why)"
            case .time, .reset, .reboot, .person: ""
            }
        return "\(address): \(event.name) \(times) (\(event.text.shortened(to: 200)))\(waiting)"
    }
}

extension Remedy {
    static let failedRetest: Remedy = """
        The node was rebooted or the GPU was reset, but the GPU does not work yet. Do what the other findings say. \
        If it stays, ask the support of the machine for a check of the GPU.
        """
}
