extension GPUFacts {
    /// Whether NVLink promises that this GPU and another one of the node can use each other's memory.
    ///
    /// Two GPUs of one fabric can, when both are registered in it and belong to the same clique. Without a fabric, the
    /// links tell: they end at the other GPU, or the links of both end at NVSwitches. A GPU in MIG mode has no peers.
    /// Nor has one of which the driver asks programs to stop using its connections.
    package func hasPeer(_ other: GPUFacts) -> Bool {
        guard canHavePeers, other.canHavePeers else { return false }
        if let mine = fabric.value, let theirs = other.fabric.value { return mine.reaches(theirs) }
        guard let mine = nvlink.value, let theirs = other.nvlink.value else { return false }
        if mine.reachesSwitch == true, theirs.reachesSwitch == true { return true }
        guard let address = other.pciAddress.value else { return false }
        return mine.neighbors?.contains(address) == true
    }

    private var canHavePeers: Bool {
        guard migMode.value?.current != true else { return false }
        return ![.text("drain-p2p"), .text("drain-and-reset")].contains(traits[.recoveryAction].value)
    }
}

extension FabricFacts {
    /// Whether the fabric connects two GPUs of a node.
    fileprivate func reaches(_ other: FabricFacts) -> Bool {
        isReady && other.isReady && cluster == other.cluster && clique == other.clique
    }

    private var isReady: Bool { state == "completed" && status == "NVML_SUCCESS" && health != "unhealthy" }
}
