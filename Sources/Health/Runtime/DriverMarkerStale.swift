package import NodeModel

extension ReasonCode {
    package static let driverMarkerStale = ReasonCode("driver-marker-stale")
}

extension Check {
    static let driverMarkerStale = Check(
        .driverMarkerStale,
        title: "the marker of a driver container fits what is mounted",
        group: .runtime,
        phase: .use,
        meaning:
            "The file `/run/nvidia/validations/.driver-ctr-ready` tells the pods of NVIDIA's GPU Operator that a driver "
            + "container is ready. Either nothing is mounted on `/run/nvidia/driver`, so the pods find no driver there, or "
            + "the file has text that the operator's validator cannot read. Without the operator, this has no effect. "
            + "The GPUs work on the host, so the finding is a notice, and the agent leaves the file as it is.",
        advice:
            "When no driver container runs on the node, remove the file. Otherwise, restart the pod of the driver container. "
            + "The file may be empty, or have lines such as `GDS_ENABLED: false`."
    ) { node in
        guard let container = node.facts.claims.driverContainer.value, container.hasMarker else { return nil }
        let expected = "a marker of YAML booleans, and a driver below /run/nvidia/driver"
        let file = "/run/nvidia/validations/.driver-ctr-ready"
        if let problem = container.markerProblem {
            return .notice(
                "The GPU Operator cannot read \(file): \(problem).",
                expected: expected,
                remedy: "Empty the file, or correct what writes it. The GPU Operator's validator reads YAML booleans."
            )
        }
        guard !container.isMounted, container.isHostRoot == false else {
            return .passed("the marker is there, and so is a driver", expected: expected)
        }
        return .notice(
            "\(file) says that a driver container is ready, and nothing is mounted on /run/nvidia/driver.",
            expected: expected,
            remedy: "If no driver container runs on this node, remove the file. Otherwise, restart its pod."
        )
    }
}
