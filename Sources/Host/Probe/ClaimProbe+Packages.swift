import NodeModel

extension ClaimProbe {
    static let dpkgStatus: HostPath = "/var/lib/dpkg/status"
    static let rpm: HostPath = "/usr/bin/rpm"

    /// NVIDIA's driver in the list of dpkg; absent on a system without one.
    static func dpkgPackages(_ root: HostRoot) -> Reading<[DriverPackage]> {
        // Some megabytes on a machine with everything.
        let bytes = reading { () throws(HostError) in try root.read(dpkgStatus, limit: 64 << 20) }
        return bytes.flatMap { bytes in
            do throws(Complaint) { return .present(try parseStatus(bytes)) } catch {
                return .unreadable(ReadFailure(.malformed, "\(dpkgStatus): \(error)"))
            }
        }
    }

    /// Takes the driver's packages out of dpkg's list: paragraphs of `Package`, `Status`, `Version` and more.
    ///
    /// A package counts from the moment it is unpacked: one whose module could not be built stays `half-configured`,
    /// and its files are there. One that was removed but for its configuration does not count.
    static func parseStatus(_ bytes: [UInt8]) throws(Complaint) -> [DriverPackage] {
        var packages: [DriverPackage] = []
        var paragraph = Paragraph()
        var isList = bytes.isEmpty
        var rest = bytes[...]
        // Line by line: a list of all lines would be as large as the file.
        while !rest.isEmpty {
            let line = rest.prefix { $0 != UInt8(ascii: "\n") }
            rest = rest[line.endIndex...].dropFirst()
            if line.isEmpty {
                if let package = try paragraph.driverPackage() { packages.append(package) }
                paragraph = Paragraph()
            } else if let name = Paragraph.value(of: "Package: ", in: line) {
                isList = true
                paragraph.name = name
            } else if let status = Paragraph.value(of: "Status: ", in: line) {
                paragraph.status = status
            } else if let version = Paragraph.value(of: "Version: ", in: line) {
                paragraph.version = version
            }
        }
        if let package = try paragraph.driverPackage() { packages.append(package) }
        guard isList else { throw Complaint("no list of packages") }
        return packages
    }

    private struct Paragraph {
        var name: String?
        var status: String?
        var version: String?

        static func value(of field: StaticString, in line: ArraySlice<UInt8>) -> String? {
            let isField = field.withUTF8Buffer { line.starts(with: $0) }
            guard isField else { return nil }
            return String(decoding: line.dropFirst(field.utf8CodeUnitCount), as: UTF8.self).trimmed
        }

        func driverPackage() throws(Complaint) -> DriverPackage? {
            guard let name, DriverPackageName.isDriver(name, version: version ?? "", .dpkg) else { return nil }
            // What was asked for, whether there was an error, and the state: "install ok installed".
            guard let state = status?.split(separator: " ").dropFirst(2).first else {
                throw Complaint("package \(name) has no status")
            }
            guard state != "not-installed", state != "config-files" else { return nil }
            guard let version, !version.isEmpty else { throw Complaint("package \(name) has no version") }
            return DriverPackage(manager: .dpkg, name: name, version: version)
        }
    }

    /// The first database of rpm that has something in it, in the places of the Red Hat family, of SUSE and newer
    /// systems, and of systems made of images.
    static func rpmDatabase(_ root: HostRoot) -> Reading<String> {
        let directories: [HostPath] = ["/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"]
        let files = ["rpmdb.sqlite", "Packages.db", "Packages"]
        return root.firstExisting(directories.flatMap { directory in files.map { directory.appending($0) } })
    }

    /// Whether the host has `rpm`; absent without it.
    static func rpmProgram(_ root: HostRoot) -> Reading<String> {
        root.firstExisting([rpm], where: \.isExecutable)
    }

    /// NVIDIA's driver as the host's own `rpm` lists it: nobody else reads its database safely.
    func rpmPackages(_ database: Reading<String>, _ program: Reading<String>) async -> Reading<[DriverPackage]> {
        guard let database = database.value.flatMap(HostPath.init(absolute:)) else {
            return database.flatMap { _ in .absent }
        }
        guard let commands, let program = program.value else {
            let why = program.value == nil ? "there is no \(Self.rpm)" : "no command may be run on the host"
            return .unreadable(ReadFailure(.command, "\(database): \(why) to read it with"))
        }
        let query = [program, "--dbpath", database.parent.text, "-qa", "--queryformat", "%{NAME}\\t%{EVR}\\n"]
        let patterns = ["*nvidia*", "*NVIDIA*", "cuda*", "libcuda*"]
        do throws(HostError) {
            let said = try await commands.run(query + patterns, deadline: .seconds(20)).output
            return .present(Self.parseQuery(said))
        } catch { return .unreadable(ReadFailure(error)) }
    }

    /// A line for each package: name, tabulator, version with epoch and release.
    static func parseQuery(_ text: String) -> [DriverPackage] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: "\t").map(String.init)
            guard fields.count == 2, DriverPackageName.isDriver(fields[0], version: fields[1], .rpm) else { return nil }
            return DriverPackage(manager: .rpm, name: fields[0], version: fields[1])
        }
    }

    /// Both lists as one, each package once; absent when there is neither.
    static func together(
        _ dpkg: Reading<[DriverPackage]>,
        _ rpm: Reading<[DriverPackage]>
    ) -> Reading<[DriverPackage]> {
        if dpkg.isAbsent { return rpm.map(sorted) }
        if rpm.isAbsent { return dpkg.map(sorted) }
        return dpkg.flatMap { first in rpm.map { sorted(first + $0) } }
    }

    /// In order of name.
    ///
    /// The same package of two architectures, and a module's for two kernels, are there twice.
    private static func sorted(_ packages: [DriverPackage]) -> [DriverPackage] {
        let all = packages.sorted { ($0.name, $0.version) < ($1.name, $1.version) }
        return all.indices.filter { $0 == 0 || all[$0] != all[$0 - 1] }.map { all[$0] }
    }
}
