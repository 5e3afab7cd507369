package import NodeModel

/// A build for the kernel of the next boot that failed.
///
/// The same build with the same headers and the same compiler fails again, and takes all processors of the node for
/// minutes. With other ones, it can succeed.
package struct EarlierBuild: Sendable {
    /// How many builds of one driver for one kernel may fail.
    ///
    /// It bounds the attempts on a node where something writes the headers all the time.
    package static let limit = 5

    /// Why the build failed.
    private var failure: Finding
    /// How many builds have failed, this one included.
    private var count: Int
    /// The fingerprint of the headers and the compilers of this build; nil when it is not known.
    private var basis: String?

    /// Nil when the last build was another job, or did not fail.
    package init?(_ job: String, in journal: Journal?) {
        guard let failure = Ahead.failure(of: .buildAhead, job, in: journal),
            let last = journal?.steps.last(where: { $0.step == .buildAhead })
        else { return nil }
        self.failure = failure
        count = min(max(0, last.failures ?? 0), Self.limit) + 1
        basis = last.basis
    }

    /// Whether another build can succeed with the headers and the compilers that have this fingerprint now; nil when it is
    /// not known.
    ///
    /// An earlier version of the agent did not record what its build depended on, so this version tries once more.
    package func isWorthRepeating(with current: String?) -> Bool {
        guard count < Self.limit, let current else { return false }
        return current != basis
    }

    /// Why the agent does not build now, as sentences.
    package func problem(with current: String?) -> String {
        guard current != nil else { return failure.observed }
        let next =
            count < Self.limit
            ? "The agent tries again when the headers of this kernel or the compiler change."
            : "The agent has tried it \(Self.limit) times, and builds again after the boot."
        return "\(failure.observed) \(next)"
    }
}
