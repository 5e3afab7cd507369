package import Catalog
package import Host
package import NodeModel
import Support

/// Downloads driver packages into a directory, for nodes that cannot download them.
package struct PackageMirror: Sendable {
    package enum Progress: Sendable {
        /// The size is in bytes; nil when the catalog does not give it.
        case started(String, number: Int, of: Int, size: Int?)
        case downloaded(bytes: Int, total: Int?)
        /// An attempt failed, and another one follows.
        case retried(because: String)
        /// `resumedFrom` is what an earlier run had downloaded, in bytes; nil when it had the whole file.
        case finished(resumedFrom: Int?)
    }

    /// The drivers whose packages are downloaded.
    package var drivers: [CatalogDriver]
    /// The path of the directory in the agent's own mount namespace.
    package var directory: String
    /// Whether the archives with the fabric managers of the drivers are downloaded, too.
    package var hasFabricManager: Bool
    /// The packages for the build that are in the directory already, for the index.
    package var builds: [PackageBundle]
    private let downloader: Downloader

    package init(
        drivers: [CatalogDriver],
        directory: String,
        hasFabricManager: Bool = true,
        builds: [PackageBundle] = [],
        downloader: Downloader
    ) {
        self.drivers = drivers
        self.hasFabricManager = hasFabricManager
        self.builds = builds
        self.directory = directory
        self.downloader = downloader
    }

    /// A file that one driver or more need.
    private struct File {
        var artifact: Artifact
        var digest: Checksum
        var drivers: [String]
        /// What it is of the drivers; nil for the drivers themselves.
        var part: String?
    }

    /// The time limit for one package: 4 hours.
    private static let deadline = Duration.seconds(4 * 3600)

    /// Downloads and verifies the packages that the directory does not have, and writes the index last.
    ///
    /// - Returns: The index.
    /// - Throws: The failure of the first package that could not be downloaded. The directory keeps the packages before
    ///   it, and the received part of this one.
    package func run(
        progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws(AgentFailure) -> PackageIndex {
        let files = try files()
        let bundle = try onDisk { () throws(DownloadError) in try BundleDirectory(directory) }
        var packages: [PackageIndex.Package] = []
        for (index, file) in files.enumerated() {
            let artifact = file.artifact
            progress(.started(artifact.fileName, number: index + 1, of: files.count, size: artifact.size))
            let size = try await fetch(file, into: bundle, progress)
            packages += file.drivers.map {
                PackageIndex.Package(
                    driver: $0,
                    fileName: artifact.fileName,
                    digest: file.digest,
                    size: size,
                    part: file.part
                )
            }
        }
        var index = PackageIndex(packages: packages, builds: builds.isEmpty ? nil : builds)
        try onDisk { () throws(DownloadError) in
            if let earlier = try PackageIndex.load(from: bundle) { index.keep(earlier, in: bundle) }
        }
        let text: String
        do { text = try Rendering.json(index) } catch {
            throw failure("cannot write \(PackageIndex.fileName): \(errorChain(error))")
        }
        try onDisk { () throws(DownloadError) in try bundle.replace(PackageIndex.fileName, with: Array(text.utf8)) }
        return index
    }

    /// The files to download.
    ///
    /// - Throws: When a driver has no checksum, or two drivers have different files of the same name.
    private func files() throws(AgentFailure) -> [File] {
        var files: [File] = []
        for driver in drivers {
            guard let digest = driver.artifact.digest else {
                throw AgentFailure(
                    Finding(
                        .artifactWithoutHash,
                        observed: "The catalog has no checksum for the package of \(driver.identity).",
                        expected: "a checksum, to verify the download",
                        remedy: "Verify the package yourself, and add its checksum to your own catalog."
                    )
                )
            }
            try add(driver.artifact, digest, of: driver, to: &files)
            guard hasFabricManager, let archive = driver.fabricManagerArchive, let digest = archive.digest else {
                continue
            }
            try add(archive, digest, of: driver, part: PackageIndex.Package.fabricManager, to: &files)
        }
        return files
    }

    /// Adds a file, or the driver to a file that other drivers need, too.
    private func add(
        _ artifact: Artifact,
        _ digest: Checksum,
        of driver: CatalogDriver,
        part: String? = nil,
        to files: inout [File]
    ) throws(AgentFailure) {
        let name = artifact.fileName
        guard let index = files.firstIndex(where: { $0.artifact.fileName == name }) else {
            files.append(File(artifact: artifact, digest: digest, drivers: [driver.identity], part: part))
            return
        }
        guard files[index].digest == digest else {
            throw failure(
                "\(driver.identity) and \(files[index].drivers.joined(separator: ", ")) have different "
                    + "packages of the name \(name)",
                remedy: "Download them into different directories, one driver at a time (--driver)."
            )
        }
        files[index].drivers.append(driver.identity)
    }

    /// Downloads a file, and returns its size in bytes.
    private func fetch(
        _ file: File,
        into bundle: BundleDirectory,
        _ progress: @escaping @Sendable (Progress) -> Void
    ) async throws(AgentFailure) -> Int {
        let artifact = file.artifact
        let request = DownloadRequest(
            urls: artifact.urls,
            fileName: artifact.fileName,
            digest: file.digest,
            size: artifact.size,
            deadline: Self.deadline
        )
        do throws(DownloadError) {
            let result = try await downloader.fetch(request, into: bundle.descriptor) {
                progress(.downloaded(bytes: $0.received, total: $0.total))
            } onRetry: {
                progress(.retried(because: errorChain($0)))
            }
            switch result {
            case .alreadyThere(let size):
                progress(.finished(resumedFrom: nil))
                return size
            case .downloaded(let size, let before):
                progress(.finished(resumedFrom: before))
                return size
            }
        } catch {
            let download = Effect.Download(
                urls: artifact.urls,
                directory: directory,
                fileName: artifact.fileName,
                digest: file.digest,
                size: artifact.size
            )
            throw error.failure(of: download, step, on: "this machine")
        }
    }

    private var step: StepFailure {
        StepFailure(
            .downloadFailed,
            subject: "the download",
            remedy: "Check that you can write to \(directory), and that no other process uses it. Then run the command "
                + "again."
        )
    }

    private func onDisk<Value>(_ work: () throws(DownloadError) -> Value) throws(AgentFailure) -> Value {
        do throws(DownloadError) { return try work() } catch { throw failure(errorChain(error)) }
    }

    private func failure(_ observed: String, remedy: String? = nil) -> AgentFailure {
        let expected = "a directory with the driver packages"
        return AgentFailure(Finding(step.code, observed: observed, expected: expected, remedy: remedy ?? step.remedy))
    }
}
