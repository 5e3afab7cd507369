import NodeModel

/// Asks dnf which prebuilt kernel modules the repositories offer.
struct DnfPrebuiltProbe: Sendable {
    let dnf: DnfRepoquery

    /// All versions of the packages for a kernel; absent when there are no modules for it.
    func packages(for kernel: String) async throws(HostError) -> Reading<[OfferedPackage]> {
        // Nobody builds modules for such a kernel.
        guard let kernel = RedHatKernel(kernel) else { return .absent }
        let offered = try await ask(kernel, skipsUnavailable: true)
        if offered.contains(where: { RedHatModules().isModulePackage($0.name) }) { return .present(offered) }
        // Without the cache of a repository, dnf leaves it out. Now it must say so, because such an answer is none.
        _ = try await ask(kernel, skipsUnavailable: false)
        return .absent
    }

    private func ask(_ kernel: RedHatKernel, skipsUnavailable: Bool) async throws(HostError) -> [OfferedPackage] {
        try await dnf.packages(
            RedHatModules.patterns(kernel),
            options: ["--arch", kernel.architecture],
            skipsUnavailable: skipsUnavailable
        )
    }
}
