import Host
import NodeModel
import Support

extension PackageSourceError {
    /// Returns the finding for an error of the directory that `driver.source` names.
    func failure(of file: Effect.Copy, _ step: StepFailure) -> AgentFailure {
        let code: ReasonCode
        let remedy: String
        switch self {
        case .target(let error): return error.failure(copying: file, step)
        case .cancelled: (code, remedy) = (step.code, step.remedy)
        case .noDirectory, .directoryUnreadable:
            code = .sourceUnreadable
            remedy =
                "Mount the directory on the node, or correct 'driver.source' in the configuration. It names a directory "
                + "of the host, and not of the agent's container."
        case .fileUnreadable, .hangs, .deadline:
            code = .sourceUnreadable
            remedy =
                "Read the file on the node ('sha256sum \(file.source)/\(file.fileName)'). Repair the mount or the "
                + "rights of the file."
        case .noFile where file.fileName.hasSuffix(".deb"):
            code = .sourcePackageMissing
            remedy =
                "Fill the directory again with 'gpu-agent catalog mirror --kernel', and bring all of it to the node."
        case .noFile:
            code = .sourcePackageMissing
            remedy =
                "Put \(file.fileName) into \(file.source): 'gpu-agent catalog mirror' downloads it. Or set "
                + "'driver.version' in the configuration to a driver that the directory has."
        case .wrongSize, .wrongDigest:
            code = .sourcePackageMismatch
            remedy =
                "Do not install this file. Replace it: 'gpu-agent catalog mirror' downloads the package and verifies "
                + "it. Find out who changed the file."
        }
        return AgentFailure(
            Finding(code, observed: errorChain(self), expected: "\(file.fileName) (\(file.digest))", remedy: remedy)
        )
    }
}

extension DownloadError {
    /// Returns the finding for an error in the agent's own directory, which is the same as that of a download.
    fileprivate func failure(copying file: Effect.Copy, _ step: StepFailure) -> AgentFailure {
        let target = Effect.Download(
            urls: [],
            directory: file.directory,
            fileName: file.fileName,
            digest: file.digest,
            size: file.size
        )
        return failure(of: target, step)
    }
}
