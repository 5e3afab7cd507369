import NodeModel

extension FactsText {
    /// The traces of driver owners: the traces that exist, and those that the agent could not look for.
    var claims: [String] {
        let claims = facts.claims
        let rows =
            row("packages", claims.packages, packages)
            + row("nvidia-installer", claims.runfile) { $0 }
            + row("DKMS", claims.dkms) {
                $0.isEmpty ? nil : listed($0.map(tree), leftOut: leftOut["dkms"], separator: "; ")
            }
            + row("AKS node image", claims.aksMarker, marker)
            + row("driver container", claims.driverContainer, container)
            + row("nvidia-gridd unit", claims.gridUnit) { $0 }
            + row("in use by", claims.deviceUsers) {
                $0.isEmpty ? nil : listed($0.map(user), leftOut: leftOut["deviceUsers"], separator: "; ")
            }
            + row("Node labels", claims.nodeLabels, labels)
            // The last known labels count only while the Node cannot be read.
            + row("last known labels", claims.lastNodeLabels.map { .present($0) } ?? .absent, labels)
            // The rows above show the counts of the other lists.
            + leftOut.filter { $0.key.contains(".") }.sorted { $0.key < $1.key }
            .map { ("left out", "\($0.value) of \($0.key)") }
        return rows.isEmpty ? [] : section("Claims on the driver", rows)
    }

    /// Returns a row for a reading, or no row when it is absent.
    private func row<Value>(
        _ name: String,
        _ reading: Reading<Value>,
        _ words: (Value) -> String?
    ) -> [(String, String)] {
        switch reading {
        case .absent, .absentBecause: []
        case .present(let value): words(value).map { [(name, $0)] } ?? []
        case .unreadable, .skipped: [(name, say(reading) { _ in "" })]
        }
    }

    private var leftOut: [String: Int] { facts.claims.leftOut ?? [:] }

    private func labels(_ labels: [String: String]) -> String? {
        labels.isEmpty ? nil : listed(labels.map { "\($0)=\($1)" }.sorted())
    }

    /// Returns the first packages, because some distributions divide the driver into dozens of packages.
    private func packages(_ packages: [DriverPackage]) -> String? {
        guard !packages.isEmpty else { return nil }
        let shown = packages.prefix(3).map { "\($0.name) \($0.version) (\($0.manager.rawValue))" }
        let more = packages.count - shown.count + (leftOut["packages"] ?? 0)
        let rest = more > 0 ? ["\(more) more"] : []
        return (shown + rest).joined(separator: ", ")
    }

    private func tree(_ tree: DKMSTree) -> String {
        let built = tree.kernels.isEmpty ? "not built" : "built for \(listed(tree.kernels))"
        return "\(tree.name) \(tree.version), \(built)\(tree.lacksSource == true ? ", without its source" : "")"
    }

    private func marker(_ marker: AKSMarker) -> String {
        let kernel = marker.kernel.map { "for kernel \($0)" }
        let words = [marker.kind, marker.version, kernel].compactMap(\.self)
        return words.isEmpty ? "a marker without content" : words.joined(separator: " ")
    }

    private func container(_ container: DriverContainer) -> String {
        let root = container.isMounted ? "mounted, driver \(container.version ?? "not found")" : "not mounted"
        let pid = container.hasPIDFile ? ["pid file"] : []
        return listed([root] + pid + container.validations)
    }

    private func user(_ user: DeviceUser) -> String {
        "\(user.name): \(listed(user.nodes))"
    }
}
