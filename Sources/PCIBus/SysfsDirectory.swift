import Glibc
import NodeModel

/// The sysfs directory of one device.
///
/// libpci returns the same number for an attribute without a value, a missing attribute and a read error. This type
/// distinguishes the three.
struct SysfsDirectory {
    let path: String

    /// Reads a decimal whole number, as in `numa_node` and `sriov_totalvfs`.
    func integer(_ name: String) -> Reading<Int> {
        contents(name).flatMap { text in
            guard let number = Int(text) else {
                return .unreadable(ReadFailure(.malformed, "\(path)/\(name) is '\(text)', not a whole number"))
            }
            return .present(number)
        }
    }

    /// Reads a hexadecimal whole number with the prefix `0x`, as in `class` and `device`.
    ///
    /// - Parameters:
    ///   - name: The name of the file.
    ///   - bits: The number of bits that the number can have at most.
    /// - Returns: The number; unreadable when the text is not such a number.
    func hexadecimal(_ name: String, bits: Int) -> Reading<UInt32> {
        contents(name).flatMap { text in
            guard text.hasPrefix("0x"), let number = UInt32(text.dropFirst(2), radix: 16), number >> bits == 0 else {
                let what = "\(path)/\(name) is '\(text.prefix(40))', not a hexadecimal number of \(bits) bits"
                return .unreadable(ReadFailure(.malformed, what))
            }
            return .present(number)
        }
    }

    /// The memory regions in the file `resource`; nil when there is no such file.
    func memoryRegions() -> Reading<[MemoryRegion]>? {
        let text = contents("resource")
        guard !text.isAbsent else { return nil }
        return text.flatMap { text in
            guard let regions = MemoryRegion.read(text) else {
                return .unreadable(ReadFailure(.malformed, "\(path)/resource is not a list of regions"))
            }
            return .present(
                regions.map { region in
                    var region = region
                    region.sizesMiB = contents("resource\(region.bar)_resize").value.flatMap(MemoryRegion.readSizes)
                    return region
                }
            )
        }
    }

    /// The number in the file `sriov_numvfs`; nil when there is no such file.
    func virtualFunctions() -> Reading<Int>? {
        let number = integer("sriov_numvfs")
        return number.isAbsent ? nil : number
    }

    /// The IOMMU group; absent when there is no link to one.
    func iommuGroup() -> Reading<IOMMUGroup> {
        linkName("iommu_group").flatMap { name in
            guard let number = Int(name), number >= 0 else {
                return .unreadable(ReadFailure(.malformed, "\(path)/iommu_group points to '\(name)'"))
            }
            return .present(IOMMUGroup(number: number, type: contents("iommu_group/type")))
        }
    }

    /// The last component of a symbolic link's target, such as the name of a driver or the address of a function.
    func linkName(_ name: String) -> Reading<String> {
        let file = "\(path)/\(name)"
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(file, &buffer, buffer.count)
        guard count >= 0 else { return missingOrFailed(file, errno) }
        let target = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard let last = target.split(separator: "/").last else {
            return .unreadable(ReadFailure(.malformed, "\(file) points to '\(target)'"))
        }
        return .present(String(last))
    }

    /// The names in some of the subdirectories, sorted; absent when none of the subdirectories exists.
    func entries(of subdirectories: [String]) -> Reading<[String]> {
        var found: [String]?
        for name in subdirectories {
            let place = "\(path)/\(name)"
            guard let stream = opendir(place) else {
                guard errno == ENOENT || errno == ENOTDIR else { return missingOrFailed(place, errno) }
                continue
            }
            defer { closedir(stream) }
            var names = found ?? []
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { names.append(name) }
            }
            found = names
        }
        return found.map { .present($0.sorted()) } ?? .absent
    }

    private func contents(_ name: String) -> Reading<String> {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return missingOrFailed(file, errno) }
        defer { close(descriptor) }
        // A sysfs attribute is at most one page long, and one read returns all of it.
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { return missingOrFailed(file, errno) }
        let text = buffer.prefix(count).reversed().drop { $0 == 0x0a || $0 == 0x20 }.reversed()
        return .present(String(decoding: text, as: UTF8.self))
    }

    private func missingOrFailed<Value>(_ file: String, _ code: CInt) -> Reading<Value> {
        guard code != ENOENT else { return .absent }
        let reason: ReadFailure.Reason = code == EACCES || code == EPERM ? .permission : .io
        return .unreadable(ReadFailure(reason, "\(file): \(String(cString: strerror(code)))"))
    }
}
