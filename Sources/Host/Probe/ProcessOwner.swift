import Support

/// The pod or the systemd unit to which a process belongs, as its control groups tell.
struct ProcessOwner: Equatable {
    /// The UID of the pod; nil for a process that is in no pod.
    var podUID: String?
    /// The name of the systemd service; nil for a process that is in none.
    var unit: String?

    /// Reads the content of `/proc/PID/cgroup`.
    ///
    /// The kubelet names the group of a pod `podUID` with the driver cgroupfs, and `kubepods-CLASS-podUID.slice` with the
    /// driver systemd, where underscores replace the hyphens of the UID. Source: `cgroup_manager_linux.go` of the
    /// kubelet. With version 1 of control groups, the file has a line for each controller.
    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let path = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).last ?? ""
            let names = path.split(separator: "/")
            podUID = podUID ?? names.lazy.compactMap(Self.podUID).first
            unit = unit ?? names.last { $0.hasSuffix(".service") }.map(String.init)
        }
        // A pod can run systemd, and its services are not those of the host.
        if podUID != nil { unit = nil }
    }

    private static func podUID(_ group: Substring) -> String? {
        let isSlice = group.hasSuffix(".slice")
        let name = isSlice ? group.dropLast(".slice".count).split(separator: "-").last ?? "" : group
        guard name.hasPrefix("pod") else { return nil }
        let uid = name.dropFirst("pod".count).map { $0 == "_" ? "-" : $0 }
        // The UID of a static pod is a hash without hyphens.
        guard [32, 36].contains(uid.count), uid.allSatisfy({ $0.isHexDigit || $0 == "-" }) else { return nil }
        return String(uid)
    }
}

/// The names of the pods on the node, by UID.
///
/// The kubelet keeps the logs of each pod in `/var/log/pods/NAMESPACE_NAME_UID`. A name has no underscore.
struct PodNames {
    private var names: [String: String] = [:]

    init(_ root: HostRoot) {
        // Without this directory, a process still has the UID of its pod.
        for directory in ((try? root.list("/var/log/pods")) ?? nil) ?? [] {
            let parts = directory.split(separator: "_")
            if parts.count == 3 { names[String(parts[2])] = "\(parts[0])/\(parts[1])" }
        }
    }

    /// The namespace and the name, such as `ml/train-0`; the UID when the name is not known.
    func name(_ uid: String) -> String { names[uid] ?? uid }
}
