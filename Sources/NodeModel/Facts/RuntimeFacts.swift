/// What the container runtime of the host reads about GPUs and about its own configuration.
///
/// Other programs write these files, such as NVIDIA's container toolkit. The agent reads them, and never changes them.
package struct RuntimeFacts: Codable, Sendable, Equatable {
    /// The CDI specifications of NVIDIA's devices, in `/etc/cdi` and `/var/run/cdi`, sorted by path.
    package var specifications: Reading<[CDISpecification]>
    /// The configuration of containerd; absent when the host has none.
    package var containerd: Reading<ContainerdConfiguration>

    package init(
        specifications: Reading<[CDISpecification]> = .present([]),
        containerd: Reading<ContainerdConfiguration> = .absent
    ) {
        self.specifications = specifications
        self.containerd = containerd
    }
}

/// A file from which a container runtime learns which files a container gets for a GPU (Container Device Interface).
package struct CDISpecification: Codable, Sendable, Equatable {
    package var path: String
    /// The vendor and class of its devices, such as `nvidia.com/gpu`; empty when the agent cannot read the file.
    package var kind: String
    /// The version of the driver whose `libcuda.so.VERSION` or `libnvidia-ml.so.VERSION` it mounts; nil when it names none.
    package var driver: String?
    /// The first files and device nodes of the host that it names and that do not exist, sorted.
    package var missing: [String]
    /// How many of them there are.
    package var missingCount: Int
    /// Why the agent cannot read the file; nil when it read it.
    package var problem: String?

    /// The most names in `missing`.
    package static let namedFiles = 5

    package init(
        path: String,
        kind: String,
        driver: String? = nil,
        missing: [String] = [],
        missingCount: Int? = nil,
        problem: String? = nil
    ) {
        self.path = path
        self.kind = kind
        self.driver = driver
        self.missing = missing
        self.missingCount = missingCount ?? missing.count
        self.problem = problem
    }
}

/// The configuration of containerd, which is a file and the files that it imports.
package struct ContainerdConfiguration: Codable, Sendable, Equatable {
    /// A file that the main file imports, and its version.
    package struct Import: Codable, Sendable, Equatable {
        package var path: String
        package var version: Int

        package init(path: String, version: Int) {
            self.path = path
            self.version = version
        }
    }

    package var path: String
    /// The version of the format; nil when the file does not say.
    package var version: Int?
    /// The imported files that say which version they have, sorted by path.
    package var imports: [Import]

    package init(path: String, version: Int?, imports: [Import] = []) {
        self.path = path
        self.version = version
        self.imports = imports
    }

    /// The imported files for which containerd does not start: their version is higher than that of the main file.
    package var tooHigh: [Import] {
        guard let version else { return [] }
        return imports.filter { $0.version > version }
    }
}
