/// The package manager of Debian and Ubuntu.
package struct Dpkg: PackageManager {
    package init() {}

    package var manager: DriverPackage.Manager { .dpkg }

    package var list: PackageList {
        .file("/var/lib/dpkg/status") { bytes throws(PackageListError) in try parse(bytes) }
    }

    package func removal(of names: [String]) -> DriverRemoval {
        let command = [
            "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300", "purge", "-y",
            "--allow-change-held-packages",
        ]
        return DriverRemoval(subject: "apt-get purge", commands: [command + names])
    }

    /// Finds the packages of the driver in dpkg's status file, which has a paragraph for each package.
    ///
    /// A package counts as soon as dpkg has unpacked it: when its module cannot be built, it stays `half-configured`,
    /// but its files are on the host. A package of which only the configuration files are left does not count.
    package func parse(_ bytes: [UInt8]) throws(PackageListError) -> [DriverPackage] {
        var packages: [DriverPackage] = []
        var paragraph = Paragraph()
        var isList = bytes.isEmpty
        var rest = bytes[...]
        // Read line by line, because an array of all lines would be as large as the file.
        while !rest.isEmpty {
            let line = rest.prefix { $0 != UInt8(ascii: "\n") }
            rest = rest[line.endIndex...].dropFirst()
            if line.isEmpty {
                if let package = try package(paragraph) { packages.append(package) }
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
        if let package = try package(paragraph) { packages.append(package) }
        guard isList else { throw PackageListError("the file contains no packages") }
        return packages
    }

    private func package(_ paragraph: Paragraph) throws(PackageListError) -> DriverPackage? {
        guard let name = paragraph.name, isDriver(name, version: paragraph.version ?? "") else { return nil }
        // The status has three words: the desired action, the error flag and the state, as in "install ok installed".
        guard let state = paragraph.status?.split(separator: " ").dropFirst(2).first else {
            throw PackageListError("package \(name) has no status")
        }
        guard state != "not-installed", state != "config-files" else { return nil }
        guard let version = paragraph.version, !version.isEmpty else {
            throw PackageListError("package \(name) has no version")
        }
        return DriverPackage(manager: manager, name: name, version: version)
    }

    private struct Paragraph {
        var name: String?
        var status: String?
        var version: String?

        static func value(of field: StaticString, in line: ArraySlice<UInt8>) -> String? {
            let isField = field.withUTF8Buffer { line.starts(with: $0) }
            guard isField else { return nil }
            // The values contain only single spaces. Some lines end with a carriage return, which this removes.
            return String(decoding: line.dropFirst(field.utf8CodeUnitCount), as: UTF8.self)
                .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
    }
}

extension DriverPackage.Manager {
    package static let dpkg = DriverPackage.Manager(rawValue: "dpkg")
}
