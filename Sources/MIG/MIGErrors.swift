/// What the codes of NVML mean for a change of the MIG layout.
package enum MIGErrors {
    /// By the number of the code, as a clause.
    package static let hints: [Int: String] = [
        3: "this GPU, or its host when it is a vGPU, does not allow it",
        4:
            "Insufficient Permissions: the process needs root and the device nodes in /dev/nvidia-caps; in a vGPU guest, "
            + "only the vGPU host may change MIG",
        19: "a process uses the instance",
        23: "the GPU has no room for it",
    ]
}
