/// How much of one version of the driver is on the disk of the host.
package enum DriverPresence: Sendable, Equatable {
    /// The kernel module and the libraries are there, and no part of another version.
    case complete
    /// The kernel module is not there, or the file is of another version. The text says which, as a clause.
    case noModule(String)
    /// A library is not there, or a part could not be read.
    case unknown
}

extension DriverFacts {
    /// How much of this version of the driver is on the disk.
    package func presence(of version: String) -> DriverPresence {
        switch moduleFile {
        case .absent: return .noModule("the host has no kernel module nvidia")
        case .present(let file) where file.version != version:
            return .noModule("the kernel module \(file.path) is of version \(file.version)")
        case .present, .unreadable, .skipped: break
        }
        let parts = [moduleFile.value?.version, nvmlLibrary.value?.version, cudaLibrary.value?.version]
        let isLoadedOther = loadedVersion.value.map { $0 != version } ?? false
        return parts.allSatisfy { $0 == version } && !isLoadedOther ? .complete : .unknown
    }
}
