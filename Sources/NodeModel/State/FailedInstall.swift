package import Support

/// The driver that an install of this agent replaces, with all that is needed to install it again.
package struct FormerDriver: Codable, Sendable, Equatable {
    package var kind: DriverKind
    package var version: String
    package var kernelModuleType: KernelModuleType
    /// The SHA-256 or SHA-512 checksum of the package, in lower-case hexadecimal.
    package var artifactHash: String
    /// The file name of the package that the agent kept in its directory; nil when it kept none.
    package var keptPackage: String?
    /// NVIDIA's archive with the fabric manager of this version, which the agent kept; nil when it kept none.
    package var keptFabricManager: KeptFile?

    /// The driver of a record.
    package init(_ record: InstallRecord) {
        kind = record.kind
        version = record.version
        kernelModuleType = record.kernelModuleType
        artifactHash = record.artifactHash
        keptPackage = record.keptPackage
        keptFabricManager = record.keptFabricManager
    }

    /// Whether a record is about this driver, whatever the kernel and the state are.
    package func isDriver(of record: InstallRecord) -> Bool {
        kind == record.kind && version == record.version && kernelModuleType == record.kernelModuleType
            && artifactHash == record.artifactHash
    }
}

/// An install that failed after it had changed the driver, because of which the agent goes back to the former driver.
///
/// The agent does not try the same package for the same kernel again, until an operator asks for it.
package struct FailedInstall: Codable, Sendable, Equatable {
    /// The record of the install, with the former driver.
    package var record: InstallRecord
    /// Why it failed.
    package var failure: Finding
    package var at: Timestamp
    /// Whether an operator asked to try it again; the journal never contains it.
    package var isRetried: Bool?

    package init(record: InstallRecord, failure: Finding, at: Timestamp) {
        self.record = record
        self.failure = failure
        self.at = at
    }

    /// Whether a record is about the driver before this install.
    package func isFormerDriver(of other: InstallRecord) -> Bool { record.former?.isDriver(of: other) ?? false }
}

extension Journal {
    /// Writes the record of an install; nil removes it.
    ///
    /// A failed install is remembered as long as the record is about it or about the driver before it.
    package mutating func setRecord(_ new: InstallRecord?) {
        record = new
        if new == nil { plan = nil }
        guard let failed else { return }
        if new.map(failed.isFormerDriver) != true { self.failed = nil }
    }

    /// Remembers the install that failed, if it had changed a driver of this agent.
    mutating func rememberFailure(_ failure: Finding, at time: Timestamp) {
        guard let record, record.state == .changing, record.former != nil else { return }
        failed = FailedInstall(record: record, failure: failure, at: time)
    }

    /// Whether the way back to the former driver was interrupted, and has not failed.
    package var isGoingBack: Bool {
        guard let failed, let record, record.state != .installed, failed.isFormerDriver(of: record) else {
            return false
        }
        return failure == nil
    }
}
