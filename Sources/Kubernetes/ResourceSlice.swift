/// The parts of a ResourceSlice that the agent reads: devices that pods can claim.
package struct ResourceSlice: Sendable, Equatable {
    /// One device of a slice.
    package struct Device: Sendable, Equatable {
        package var name: String
        /// Its attributes whose value is a string, by their names.
        package var attributes: [String: String]

        package init(name: String, attributes: [String: String] = [:]) {
            self.name = name
            self.attributes = attributes
        }
    }

    /// The name of the driver that wrote the slice.
    package var driver: String
    package var pool: String
    /// The generation of the pool, which grows with each change; slices of an older one do not count.
    package var generation: Int
    /// The number of slices that the pool has in this generation.
    package var sliceCount: Int
    package var devices: [Device]

    package init(driver: String, pool: String, generation: Int = 1, sliceCount: Int = 1, devices: [Device]) {
        self.driver = driver
        self.pool = pool
        self.generation = generation
        self.sliceCount = sliceCount
        self.devices = devices
    }
}

extension ResourceSlice: Decodable {
    private enum Key: String, CodingKey { case spec }

    private struct Spec: Decodable {
        var driver: String
        var pool: Pool
        var devices: [Device]?
    }

    private struct Pool: Decodable {
        var name: String
        var generation: Int?
        var resourceSliceCount: Int?
    }

    package init(from decoder: any Decoder) throws {
        let spec = try decoder.container(keyedBy: Key.self).decode(Spec.self, forKey: .spec)
        self.init(
            driver: spec.driver,
            pool: spec.pool.name,
            generation: spec.pool.generation ?? 0,
            sliceCount: spec.pool.resourceSliceCount ?? 0,
            devices: spec.devices ?? []
        )
    }
}

extension ResourceSlice.Device: Decodable {
    private enum Key: String, CodingKey { case name, attributes, basic }
    private struct Attribute: Decodable { var string: String? }
    private struct Basic: Decodable { var attributes: [String: Attribute]? }

    /// Reads a device of `v1`, and of `v1beta1`, which has the attributes in `basic`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let attributes =
            try container.decodeIfPresent([String: Attribute].self, forKey: .attributes)
            ?? container.decodeIfPresent(Basic.self, forKey: .basic)?.attributes
        self.init(
            name: try container.decode(String.self, forKey: .name),
            attributes: (attributes ?? [:]).compactMapValues(\.string)
        )
    }
}
