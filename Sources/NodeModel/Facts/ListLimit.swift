/// Cuts the lists of facts whose length a host decides, and counts what it leaves out.
///
/// A host can have any number of files with the names of modules, device nodes or packages. The facts are kept in
/// memory, printed, and read again.
package struct ListLimit {
    /// How many items of each list are kept: far more than any node has.
    package static let usual = 1000

    private let limit: Int
    /// The number of items that were left out, by the name of the list; nil when all lists are complete.
    private(set) var leftOut: [String: Int]?

    init(_ limit: Int) {
        self.limit = limit
    }

    /// The first items of a list.
    mutating func first<Item>(_ items: [Item], of list: String) -> [Item] {
        guard items.count > limit else { return items }
        leftOut = (leftOut ?? [:]).merging([list: items.count - limit]) { $0 + $1 }
        return Array(items.prefix(limit))
    }

    /// The most telling names of a list, sorted.
    ///
    /// Decisions ask for modules and device nodes by name. The names that they ask for are short, or have no digits,
    /// such as `nvidia_vgpu_vfio` and `nvidia-uvm-tools`.
    mutating func names(_ names: [String], of list: String) -> [String] {
        guard names.count > limit else { return names }
        let ranked = names.map { (hasDigits: $0.contains { $0.isNumber }, length: $0.utf8.count, name: $0) }
            .sorted { ($0.hasDigits ? 1 : 0, $0.length, $0.name) < ($1.hasDigits ? 1 : 0, $1.length, $1.name) }
        return first(ranked.map(\.name), of: list).sorted()
    }
}

extension DriverFacts {
    /// The facts with at most `limit` items in each list, and with the number of those that are left out.
    package func bounded(to limit: Int = ListLimit.usual) -> DriverFacts {
        var facts = self
        var lists = ListLimit(limit)
        facts.loadedModules = loadedModules.map { lists.names($0, of: "loadedModules") }
        facts.moduleHolders = moduleHolders.map { $0.mapValues { lists.first($0, of: "moduleHolders") } }
        facts.deviceNodes = deviceNodes.map { lists.names($0, of: "deviceNodes") }
        facts.otherLibraries = otherLibraries.map { lists.first($0, of: "otherLibraries") }
        facts.unusableNodes = unusableNodes.map { nodes in
            let names = Set(lists.names(Array(nodes.keys), of: "unusableNodes"))
            return nodes.filter { names.contains($0.key) }
        }
        facts.leftOut = lists.leftOut
        return facts
    }
}

extension ClaimFacts {
    /// The facts with at most `limit` items in each list, and with the number of those that are left out.
    package func bounded(to limit: Int = ListLimit.usual) -> ClaimFacts {
        var facts = self
        var lists = ListLimit(limit)
        facts.packages = packages.map { lists.first($0, of: "packages") }
        facts.dkms = dkms.map { trees in
            lists.first(trees, of: "dkms").map { tree in
                var tree = tree
                tree.kernels = lists.first(tree.kernels, of: "dkms.kernels")
                return tree
            }
        }
        facts.driverContainer = driverContainer.map { container in
            var container = container
            container.validations = lists.first(container.validations, of: "driverContainer.validations")
            return container
        }
        facts.deviceUsers = deviceUsers.map { users in
            lists.first(users, of: "deviceUsers").map { user in
                var user = user
                user.nodes = lists.names(user.nodes, of: "deviceUsers.nodes")
                return user
            }
        }
        facts.leftOut = lists.leftOut
        return facts
    }
}
