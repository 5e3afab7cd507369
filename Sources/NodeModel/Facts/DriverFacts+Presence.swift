/// How much of one version of the driver is on the disk of the host.
package enum DriverPresence: Sendable, Equatable {
    /// The kernel module, the libraries and the programs are there, and no part of another version.
    case complete
    /// Everything but a program of the driver is there.
    case withoutProgram
    /// The kernel module or a library is not there, or the module is of another version. The text says which, as a
    /// clause.
    case incomplete(String)
    /// A part could not be read, or a library of another version is there, too.
    case unknown
}

/// Whether a program that installs a driver succeeded.
package enum InstallerResult: Sendable, Equatable {
    case succeeded
    /// The driver is complete, although the exit status says that the program failed.
    case succeededInSpiteOfStatus
    /// The program failed. For one that ended with status 0, the text says what the host lacks, as a clause.
    case failed(gap: String?)
}

extension DriverPresence {
    /// The result of an installer that ended with this exit status and left this on the disk.
    ///
    /// What is not known leaves the word to the exit status.
    package func result(ofStatus status: Int) -> InstallerResult {
        switch self {
        case .complete: status == 0 ? .succeeded : .succeededInSpiteOfStatus
        // NVIDIA's installer copies the programs after the libraries, so it did not get to its end.
        case .withoutProgram: status == 0 ? .succeeded : .failed(gap: nil)
        case .incomplete(let gap): .failed(gap: status == 0 ? gap : nil)
        case .unknown: status == 0 ? .succeeded : .failed(gap: nil)
        }
    }
}

extension DriverPresence {
    /// The programs without which a driver is not complete: an operator and the agent itself use them.
    package static let programs = ["nvidia-smi", "nvidia-modprobe"]

    /// The same, when these programs are missing on the host.
    package func without(_ programs: [String]) -> DriverPresence {
        self == .complete && !programs.isEmpty ? .withoutProgram : self
    }
}

extension DriverFacts {
    /// How much of the module and the libraries of this version of the driver is on the disk.
    package func presence(of version: String) -> DriverPresence {
        switch moduleFile {
        case .absent: return .incomplete("the host has no kernel module nvidia")
        case .absentBecause(let why): return .incomplete(why)
        case .present(let file) where file.version != version:
            return .incomplete("the kernel module \(file.path) is of version \(file.version)")
        case .present, .unreadable, .skipped: break
        }
        for (name, library) in [("libnvidia-ml", nvmlLibrary), ("libcuda", cudaLibrary)] where library.isAbsent {
            return .incomplete("the host has no library \(name)")
        }
        let parts = [moduleFile.value?.version, nvmlLibrary.value?.version, cudaLibrary.value?.version]
        let isLoadedOther = loadedVersion.value.map { $0 != version } ?? false
        return parts.allSatisfy { $0 == version } && !isLoadedOther ? .complete : .unknown
    }

    /// Whether the host certainly lacks a part of this version of the driver.
    package func lacksPart(of version: String) -> Bool {
        if case .incomplete = presence(of: version) { true } else { false }
    }
}
