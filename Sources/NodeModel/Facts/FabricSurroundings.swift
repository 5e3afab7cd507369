/// What a host has for NVLink beside the fabric manager and IMEX.
package struct FabricSurroundings: Codable, Sendable, Equatable {
    /// The version of the fabric manager that the agent installed from NVIDIA's archive, or `incomplete` after an
    /// interruption; nil when it installed none.
    package var archive: String?
    /// Whether the host has the NVLink subnet manager (`/usr/share/nvidia/nvlsm/nvlsm.conf`).
    package var hasSubnetManager: Bool
    /// Whether the host has `ibstat`, which the fabric manager's start script runs on boards since B200.
    package var hasDiagnostics: Bool
    /// Whether the kernel module `ib_umad` is loaded, which the subnet manager needs.
    package var hasManagementInterface: Bool
    /// The number of nodes in the configuration of IMEX (`/etc/nvidia-imex/nodes_config.cfg`).
    package var imexNodes: Int
    /// The number of channels of IMEX (`/dev/nvidia-caps-imex-channels/channel*`).
    package var imexChannels: Int

    package init(
        archive: String? = nil,
        hasSubnetManager: Bool = false,
        hasDiagnostics: Bool = false,
        hasManagementInterface: Bool = false,
        imexNodes: Int = 0,
        imexChannels: Int = 0
    ) {
        self.archive = archive
        self.hasSubnetManager = hasSubnetManager
        self.hasDiagnostics = hasDiagnostics
        self.hasManagementInterface = hasManagementInterface
        self.imexNodes = imexNodes
        self.imexChannels = imexChannels
    }

    /// What the list of files has in place of a version while the agent replaces them.
    package static let incomplete = "incomplete"
    /// The configuration of IMEX, which lists the nodes of the domain.
    package static let imexNodesFile = "/etc/nvidia-imex/nodes_config.cfg"
    /// The directory with the channels of IMEX.
    package static let imexChannelDirectory = "/dev/nvidia-caps-imex-channels"
    /// The configuration of the subnet manager, which its package brings.
    package static let subnetManagerFile = "/usr/share/nvidia/nvlsm/nvlsm.conf"
}

extension NodeFacts {
    /// The UUID of the cluster of NVLink to which the GPUs of this node belong; nil when they belong to none, or to
    /// several.
    ///
    /// GPUs of one machine can have an UUID of zeros.
    package var fabricCluster: String? {
        let all = (vendor.value?.nvml.value?.gpus ?? []).compactMap { $0.fabric.value }
        let clusters = Set(
            all.filter { $0.state == "completed" && $0.status == "NVML_SUCCESS" }.compactMap(\.cluster)
                .filter { $0.contains { $0 != "0" && $0 != "-" } }
        )
        return clusters.count == 1 ? clusters.first : nil
    }

    /// Whether CUDA initializes on every device that the agent asked.
    package var cudaWorks: Bool {
        guard let answers = vendor.value?.cuda.value, !answers.isEmpty else { return false }
        return answers.allSatisfy { $0.result == 0 }
    }
}
