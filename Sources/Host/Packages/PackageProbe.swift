import NodeModel

/// Lists the packages of NVIDIA's driver by every package manager that a host has.
struct PackageProbe: Sendable {
    let root: HostRoot
    /// Without commands, a database that only a program can read is unreadable.
    let commands: HostCommands?
    /// How long each read of files may take.
    let fileDeadline: Duration
    /// The queue for the files of package managers, which are on one disk.
    let files: ReadQueue

    /// The packages of all managers, sorted by name.
    ///
    /// Unreadable when one of the lists cannot be read.
    func packages() async -> Reading<[DriverPackage]> {
        let lists = await withTaskGroup(of: (Int, Reading<[DriverPackage]>).self) { group in
            for (index, manager) in PackageManagers.all.enumerated() {
                group.addTask { (index, await packages(of: manager)) }
            }
            var lists: [(Int, Reading<[DriverPackage]>)] = []
            for await list in group { lists.append(list) }
            return lists.sorted { $0.0 < $1.0 }.map(\.1)
        }
        return Self.together(lists)
    }

    /// The packages of one manager; absent when the host does not have it.
    func packages(of manager: any PackageManager) async -> Reading<[DriverPackage]> {
        let root = root
        switch manager.list {
        case .file(let path, let parse):
            return await files.read(path, within: fileDeadline) { Self.read(path, parse, root) }
        case .query(let query):
            let name = manager.manager.rawValue
            async let database = files.read("the database of \(name)", within: fileDeadline) {
                root.firstExisting(query.databases.compactMap(HostPath.init(absolute:)))
            }
            async let program = files.read(query.program, within: fileDeadline) {
                root.firstExisting([HostPath(stringLiteral: query.program)], where: \.isExecutable)
            }
            return await ask(query, database: await database, program: await program)
        }
    }

    private static func read(
        _ path: String,
        _ parse: ([UInt8]) throws(PackageListError) -> [DriverPackage],
        _ root: HostRoot
    ) -> Reading<[DriverPackage]> {
        // The file has several megabytes on a host with many packages.
        let bytes = reading { () throws(HostError) in try root.read(HostPath(stringLiteral: path), limit: 64 << 20) }
        return bytes.flatMap { bytes in
            do throws(PackageListError) { return .present(try parse(bytes)) } catch {
                return .unreadable(ReadFailure(.malformed, "\(path): \(error)"))
            }
        }
    }

    private func ask(
        _ query: PackageQuery,
        database: Reading<String>,
        program: Reading<String>
    ) async -> Reading<[DriverPackage]> {
        guard let database = database.value.flatMap(HostPath.init(absolute:)) else {
            return database.flatMap { _ in .absent }
        }
        guard let commands, let program = program.value else {
            let why =
                program.value == nil ? "there is no \(query.program)" : "the agent cannot run commands on the host"
            return .unreadable(ReadFailure(.command, "cannot read \(database): \(why)"))
        }
        do throws(HostError) {
            let command = [program] + query.arguments(database.parent.text)
            return .present(query.parse(try await commands.run(command, deadline: .seconds(20)).output))
        } catch { return .unreadable(ReadFailure(error)) }
    }

    /// Merges the lists and removes duplicates; absent when every list is absent.
    static func together(_ lists: [Reading<[DriverPackage]>]) -> Reading<[DriverPackage]> {
        let there = lists.filter { !$0.isAbsent }
        guard let first = there.first else { return .absent }
        let all = there.dropFirst().reduce(first) { all, list in
            all.flatMap { packages in list.map { packages + $0 } }
        }
        return all.map(sorted)
    }

    /// Sorts the packages by name and removes duplicates.
    ///
    /// A list contains a package twice when it is installed for two architectures, or when it has kernel modules for
    /// two kernels.
    private static func sorted(_ packages: [DriverPackage]) -> [DriverPackage] {
        let all = packages.sorted { ($0.name, $0.version) < ($1.name, $1.version) }
        return all.indices.filter { $0 == 0 || all[$0] != all[$0 - 1] }.map { all[$0] }
    }
}
