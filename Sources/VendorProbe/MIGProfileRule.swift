/// How the name of a profile of GPU instances follows from its description.
///
/// The name has the slices, and the memory as whole eighths of the memory of the GPU, in GiB. NVIDIA's MIG user guide has
/// the names for each GPU; its Go library computes them in this way for drivers that do not tell them.
struct MIGProfileRule {
    /// NVML's number of the profile (`NVML_GPU_INSTANCE_PROFILE_*`).
    var number: UInt32
    /// The number of compute slices.
    var slices: Int
    var memoryMiB: Int

    /// The name, such as `1g.5gb+me`.
    ///
    /// - Parameter totalMiB: The memory of the GPU, as NVML reports it.
    /// - Returns: Nil when the number is newer than the drivers without names, or when the sizes cannot be right.
    func name(totalMiB: Int) -> String? {
        guard let attribute, slices > 0, memoryMiB > 0, memoryMiB <= totalMiB else { return nil }
        let gigabytes = (totalMiB + 1023) / 1024
        let eighths = (memoryMiB * 8 + totalMiB - 1) / totalMiB
        // Half a GiB is rounded up.
        return "\(slices)g.\((eighths * gigabytes + 4) / 8)gb\(attribute)"
    }

    /// What the name says about the engines for media: one instance of a GPU can have the only ones of a kind.
    private var attribute: String? {
        switch number {
        case 0...6, 9: ""
        case 7, 8: "+me"
        default: nil
        }
    }
}
