import Documents
package import NodeModel
import Support

/// One thing that a person says about a node, and that `gpu-agent validate --expect` compares with it.
package enum Expectation: Sendable, Equatable {
    case kind(DriverKind)
    case version(DriverVersion)
    /// The first number of the driver version.
    case branch(Int)
    case type(KernelModuleType)
    /// The MIG strategy that fits the MIG devices of the node; `none` when no GPU is in MIG mode.
    case mig(MIGStrategy)
    /// The number of GPUs that NVML lists.
    case gpus(Int)

    /// The words before the equals sign.
    package enum Key: String, Sendable, CaseIterable {
        case kind, version, branch, type, mig, gpus

        /// Which values a key has, for people.
        var values: String {
            switch self {
            case .kind: "grid or datacenter"
            case .version: "a driver version such as 580.65.06"
            case .branch: "a driver branch such as 580"
            case .type: "open or proprietary"
            case .mig: "none, single or mixed"
            case .gpus: "a number from 0 to 64"
            }
        }
    }

    package var key: Key {
        switch self {
        case .kind: .kind
        case .version: .version
        case .branch: .branch
        case .type: .type
        case .mig: .mig
        case .gpus: .gpus
        }
    }

    /// The value as the command line writes it.
    package var value: String {
        switch self {
        case .kind(let kind): kind.rawValue
        case .version(let version): version.description
        case .branch(let branch): "\(branch)"
        case .type(let type): type.rawValue
        case .mig(let strategy): strategy.rawValue
        case .gpus(let count): "\(count)"
        }
    }

    /// Nil when the key does not have this value.
    init?(_ key: Key, _ value: String) {
        let number = isDigits(value, radix: 10) && value.utf8.count <= 6 ? Int(value) : nil
        let read: Expectation? =
            switch key {
            case .kind: DriverKind(rawValue: value).map { .kind($0) }
            case .version: DriverVersion(value).map { .version($0) }
            case .branch: number.map { .branch($0) }
            case .type: KernelModuleType(rawValue: value).map { .type($0) }
            case .mig: MIGStrategy(rawValue: value).map { .mig($0) }
            case .gpus: number.flatMap { $0 <= 64 ? .gpus($0) : nil }
            }
        guard let read else { return nil }
        self = read
    }
}

/// What the command line says about a node, or everything that is wrong with it.
package struct Expectations: Sendable, Equatable {
    /// In the order of the command line, each key once.
    package private(set) var all: [Expectation] = []
    /// What is wrong, each as a clause.
    package private(set) var problems: [String] = []

    /// Reads texts such as `kind=grid,gpus=8`.
    package init(_ texts: [String]) {
        for part in texts.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) { read(String(part)) }
        for case .version(let version) in all {
            for case .branch(let branch) in all where branch != version.branch {
                problems.append("the version \(version) is not of the branch \(branch)")
            }
        }
    }

    private mutating func read(_ part: String) {
        let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let shown = part.visible.shortened(to: 100)
        guard halves.count == 2 else {
            problems.append("'\(shown)' is not of the form key=value")
            return
        }
        guard let key = Expectation.Key(rawValue: halves[0]) else {
            let keys = Expectation.Key.allCases.map(\.rawValue)
            let near = nearest(to: halves[0], in: keys).map { "; did you mean '\($0)'?" } ?? ""
            let name = halves[0].visible.shortened(to: 100)
            problems.append("'\(name)' is none of the keys \(keys.joined(separator: ", "))\(near)")
            return
        }
        guard let expectation = Expectation(key, halves[1]) else {
            problems.append("'\(shown)': the value of \(key.rawValue) is \(key.values)")
            return
        }
        guard !all.contains(where: { $0.key == key }) else {
            problems.append("'\(shown)': \(key.rawValue) is there twice")
            return
        }
        all.append(expectation)
    }
}
