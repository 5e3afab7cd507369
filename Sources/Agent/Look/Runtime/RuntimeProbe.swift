import Host
import NodeModel

/// Reads what the container runtime of the host reads: the CDI specifications, and the configuration of containerd.
struct RuntimeProbe: Sendable {
    let root: HostRoot

    func read() async -> RuntimeFacts {
        await offPool {
            RuntimeFacts(
                specifications: reading { () throws(HostError) in try CDIProbe(root: root).read() },
                containerd: reading { () throws(HostError) in try ContainerdProbe(root: root).read() }
            )
        }
    }
}
