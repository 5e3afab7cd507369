/// What the GPU Operator's validator finds when it looks for a driver on this host.
///
/// It runs `nvidia-smi` in the root of the host. Source: `validateHostDriver` in `cmd/nvidia-validator/main.go` of
/// NVIDIA/gpu-operator.
package enum OperatorDriverCheck: Sendable, Equatable {
    /// The check passes, at least in newer versions.
    case host
    /// The check fails. The text says why, as a clause.
    case missing(String)
    /// The agent cannot tell. The text says why.
    case unknown(String)

    /// Where it looks: the first path in every version, the others in newer ones.
    package static let programs = [
        "/usr/bin/nvidia-smi", "/usr/sbin/nvidia-smi", "/bin/nvidia-smi", "/sbin/nvidia-smi",
        "/usr/lib/wsl/lib/nvidia-smi", "/opt/bin/nvidia-smi",
    ]

    /// - Parameters:
    ///   - hasProgram: Whether one of the paths above is an executable file of the host.
    ///   - loaderFindsLibrary: Whether a program of the host finds `libnvidia-ml.so.1` by itself.
    package init(hasProgram: Bool, loaderFindsLibrary: Bool) {
        if !hasProgram {
            self = .missing("nvidia-smi is in none of the directories where it looks")
        } else if !loaderFindsLibrary {
            self = .missing("the dynamic loader of the host does not find libnvidia-ml.so.1")
        } else {
            self = .host
        }
    }
}
