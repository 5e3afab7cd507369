import FoundationEssentials

extension ObjectStore {
    /// Keeps the objects in a file: restores them from it when it exists, and writes them after each change.
    ///
    /// The server of a cluster outlives its nodes. On a machine that is itself the node, the file lets the server
    /// outlive a reboot, with the owners of all fields.
    ///
    /// - Throws: An error when the file exists but has no objects, or when it cannot be written.
    public func keep(in path: String) throws {
        if FileManager.default.fileExists(atPath: path) {
            try restore(try JSON(parsing: try Data(contentsOf: URL(filePath: path))))
        }
        file = path
        try save()
    }

    /// Writes the file of `keep`.
    func save() throws {
        guard let file else { return }
        try saved.data().write(to: URL(filePath: file), options: .atomic)
    }

    private var saved: JSON {
        let entries = objects.map { key, object -> JSON in
            var entry: JSON = ["resource": .string(key.resource), "name": .string(key.name), "object": object]
            entry["namespace"] = key.namespace.map(JSON.string)
            return entry
        }
        return ["version": .int(version), "objects": .array(entries)]
    }

    private func restore(_ saved: JSON) throws(SimulatedAPIServerError) {
        guard let version = saved["version"]?.int, let entries = saved["objects"]?.array else {
            throw .seed("the file with the objects is damaged")
        }
        self.version = version
        for entry in entries {
            guard let resource = entry["resource"]?.string, let name = entry["name"]?.string else { continue }
            objects[ObjectKey(resource: resource, namespace: entry["namespace"]?.string, name: name)] = entry["object"]
        }
    }
}
