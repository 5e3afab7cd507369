import FoundationEssentials
import Testing

/// A package of Debian's archive, which the tests download.
struct DebianPackage: Sendable {
    var suite: String
    var component: String
    var name: String

    /// The path of the regular file of the package with this name, in which `*` stands for any characters.
    ///
    /// It cancels the test when the archive does not give the package.
    func path(of file: String) async throws -> String {
        let directory = try await DownloadCache.cancelingTest { try await unpacked() }
        return try await DownloadCache.path(of: file, in: directory)
    }

    /// The directory with the unpacked files.
    private func unpacked() async throws -> String {
        try await DownloadCache.shared.directory("debian-\(suite)-\(name)") { directory in
            try await Toolbox.withDirectory { scratch in
                let package = try await download(to: scratch)
                try await Toolbox.run("dpkg-deb", ["-x", package, directory])
            }
        }
    }

    /// The path of the package below `directory`.
    private func download(to directory: String) async throws -> String {
        let key = "/usr/share/keyrings/debian-archive-keyring.gpg"
        let source = "deb [signed-by=\(key)] http://deb.debian.org/debian \(suite) \(component)\n"
        try Toolbox.write(source, to: "\(directory)/sources.list")
        for name in ["lists/partial", "cache/archives/partial"] {
            try FileManager.default.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
        }
        let options = [
            "Dir::Etc::sourcelist=\(directory)/sources.list", "Dir::Etc::sourceparts=-",
            "Dir::State::lists=\(directory)/lists", "Dir::Cache=\(directory)/cache", "APT::Sandbox::User=root",
            "Acquire::Retries=1", "Acquire::http::Timeout=20",
        ].flatMap { ["-o", $0] }
        let script = """
            cd '\(directory)'
            apt-get "$@" -qq update
            apt-get "$@" -qq download \(name)
            """
        do { try await Toolbox.run("sh", ["-ec", script, "sh"] + options) } catch {
            throw DownloadCache.Unavailable(reason: "Debian's archive (\(suite)) does not give \(name): \(error)")
        }
        return try await DownloadCache.path(of: "\(name)_*.deb", in: directory)
    }
}

/// A package of Python's package index, which the tests download.
struct PythonPackage: Sendable {
    var name: String
    var version: String

    /// The path of the file of the package with this name.
    ///
    /// It cancels the test when the index does not give the package.
    func path(of file: String) async throws -> String {
        let directory = try await DownloadCache.cancelingTest { try await unpacked() }
        return try await DownloadCache.path(of: file, in: directory)
    }

    /// The directory with the unpacked files.
    private func unpacked() async throws -> String {
        try await DownloadCache.shared.directory("\(name)-\(version)") { directory in
            try await Toolbox.withDirectory { download in
                do {
                    let options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", download]
                    try await Toolbox.run("python3", ["-m", "pip", "download"] + options + ["\(name)==\(version)"])
                } catch {
                    throw DownloadCache.Unavailable(reason: "pip cannot get \(name) \(version): \(error)")
                }
                let wheel = try await DownloadCache.path(of: "*.whl", in: download)
                try await Toolbox.run("python3", ["-m", "zipfile", "-e", wheel, directory])
            }
        }
    }
}

extension DownloadCache {
    /// Cancels the test with the reason when a source does not give its files.
    fileprivate static func cancelingTest(_ body: () async throws -> String) async throws -> String {
        do { return try await body() } catch let error as Unavailable { try Test.cancel("\(error.reason)") }
    }

    /// The path of the first regular file below `directory` with this name.
    fileprivate static func path(of file: String, in directory: String) async throws -> String {
        let found = try await Toolbox.run("find", [directory, "-type", "f", "-name", file])
        return String(try #require(found.split(separator: "\n").first))
    }
}
