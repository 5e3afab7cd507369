import FoundationEssentials
import Glibc
import Testing

@testable import VendorProbe

/// The removal of directories that a killed process left.
@Suite struct CompanionDirectoryTests {
    private let library = DriverLibrary(name: "libnvidia-x.so.1", path: "/nowhere/libnvidia-x.so.1")

    private func age(_ path: String, seconds: Int) {
        let then = timeval(tv_sec: time(nil) - seconds, tv_usec: 0)
        #expect(utimes(path, [then, then]) == 0)
    }

    /// Creates a directory with the name that another process would use.
    private func leave(_ pid: String, _ start: String, in parent: String, age seconds: Int = 4000) throws -> String {
        let path = "\(parent)/vendor-\(pid)-\(start)-AbC123"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(symlink(library.path, "\(path)/\(library.name)") == 0)
        age(path, seconds: seconds)
        return path
    }

    @Test func whatAKilledProcessLeftIsRemovedAfterAnHour() async throws {
        try await Toolbox.withDirectory { parent in
            // Higher than any process number of Linux.
            let gone = try leave("4999999", "17", in: parent)
            // This process's number, given to another one before it.
            let reused = try leave("\(getpid())", "1", in: parent)
            let fresh = try leave("4999998", "17", in: parent, age: 3000)
            _ = try CompanionDirectory(in: parent, [library])
            #expect(!FileManager.default.fileExists(atPath: gone))
            #expect(!FileManager.default.fileExists(atPath: reused))
            #expect(FileManager.default.fileExists(atPath: fresh))
        }
    }

    @Test func theDirectoryOfALivingProcessStaysHoweverOld() async throws {
        try await Toolbox.withDirectory { parent in
            let first = try CompanionDirectory(in: parent, [library])
            age(first.path, seconds: 4000)
            let second = try CompanionDirectory(in: parent, [library])
            #expect(FileManager.default.fileExists(atPath: first.path))
            first.remove()
            second.remove()
            #expect(try FileManager.default.contentsOfDirectory(atPath: parent).isEmpty)
        }
    }

    @Test func aLibraryThatOthersCanChangeIsNotAmongThem() async throws {
        try await Toolbox.withDirectory { parent in
            let paths = ["own", "open"].map { "\(parent)/libnvidia-\($0).so.1" }
            for path in paths { try Toolbox.write("", to: path) }
            #expect(chmod(paths[1], 0o666) == 0)
            let libraries = paths.map {
                DriverLibrary(name: $0.split(separator: "/").last.map(String.init) ?? "", path: $0)
            }
            let directory = try CompanionDirectory(in: parent, libraries)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["libnvidia-own.so.1"])
            directory.remove()
            #expect(!FileManager.default.fileExists(atPath: directory.path))
        }
    }

    @Test func whatIsNotOursStays() async throws {
        try await Toolbox.withDirectory { parent in
            let other = "\(parent)/vendor-data"
            try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
            age(other, seconds: 4000)
            let filled = try leave("4999999", "17", in: parent)
            try Toolbox.write("kept", to: "\(filled)/file")
            age(filled, seconds: 4000)
            try CompanionDirectory(in: parent, []).remove()
            #expect(FileManager.default.fileExists(atPath: other))
            #expect(try Toolbox.read("\(filled)/file") == "kept")
        }
    }
}
