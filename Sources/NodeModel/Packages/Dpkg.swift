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
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            let line = rest[rest.startIndex..<end]
            rest = rest[end...].dropFirst()
            // Most lines are of other packages and of other fields. Their first byte says so.
            switch line.first {
            case nil:
                if let package = try package(paragraph) { packages.append(package) }
                paragraph = Paragraph()
            case UInt8(ascii: "P"):
                guard let name = Paragraph.value(of: "Package: ", in: line) else { break }
                isList = true
                paragraph.name = DriverPackageName.mayBeDriver(name) ? Paragraph.text(name) : nil
            case UInt8(ascii: "S") where paragraph.name != nil:
                if let status = Paragraph.value(of: "Status: ", in: line) { paragraph.status = Paragraph.text(status) }
            case UInt8(ascii: "V") where paragraph.name != nil:
                if let version = Paragraph.value(of: "Version: ", in: line) {
                    paragraph.version = Paragraph.text(version)
                }
            default: break
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
        /// Nil in a paragraph whose package is not a part of the driver.
        var name: String?
        var status: String?
        var version: String?

        static func value(of field: StaticString, in line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
            let isField = field.withUTF8Buffer { line.starts(with: $0) }
            return isField ? line.dropFirst(field.utf8CodeUnitCount) : nil
        }

        /// A value with single spaces only, and without the carriage return at the end of some lines.
        static func text(_ value: ArraySlice<UInt8>) -> String {
            String(decoding: value, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
    }
}

extension DriverPackage.Manager {
    package static let dpkg = DriverPackage.Manager(rawValue: "dpkg")
}
