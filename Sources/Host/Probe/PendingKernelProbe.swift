import NodeModel

/// Finds the kernel that is likely to run after the next boot.
struct PendingKernelProbe {
    let root: HostRoot

    /// The newest installed kernel; absent when it is the running one.
    ///
    /// A directory in `/lib/modules` can be a remainder of a removed kernel. So the kernel image must be there, too: in
    /// `/boot` on Debian, Ubuntu and SUSE, and beside the modules on Red Hat and its relatives.
    func read(running: Reading<String>) -> Reading<PendingKernel> {
        running.flatMap { running in
            reading { () throws(HostError) in
                var newest: String?
                for release in try root.list("/lib/modules") ?? []
                where KernelRelease(release).isNewer(than: KernelRelease(newest ?? running)) {
                    if try hasImage(release) { newest = release }
                }
                return try newest.map(kernel)
            }
        }
    }

    private func hasImage(_ release: String) throws(HostError) -> Bool {
        if try root.exists(HostPath("/boot").entry("vmlinuz-\(release)")) { return true }
        return try root.exists(HostPath("/lib/modules").entry(release).appending("vmlinuz"))
    }

    private func kernel(_ release: String) throws(HostError) -> PendingKernel {
        let hasMakefile = try root.exists(HostPath("/lib/modules").entry(release).appending("build/Makefile"))
        let headers = BuildProbe.headersRelease(release, root).value
        let compiler = try compiler(release, hasHeaders: headers == release)
        let probe = ModuleFileProbe(root: root, commands: nil)
        let module = probe.readUncompressed(release)
        var pending = PendingKernel(
            release: release,
            // A compressed module is one as far as its name tells.
            hasModule: probe.find(release).value != nil && !module.isAbsent,
            moduleVersion: module.value?.version,
            hasHeaders: hasMakefile && headers == release,
            headersRelease: headers,
            compiler: compiler,
            namedCompiler: compiler.flatMap { BuildProbe.program($0.namesWithMajor, root).value }
        )
        pending.buildBasis = root.fingerprint(of: pending.buildFiles)
        return pending
    }

    /// The compiler that built a kernel, as its configuration tells; nil when no file has it.
    ///
    /// The image of a kernel brings the first or the second file, and the headers bring the third one.
    private func compiler(_ release: String, hasHeaders: Bool) throws(HostError) -> Compiler? {
        let modules = try HostPath("/lib/modules").entry(release)
        let files = [try HostPath("/boot").entry("config-\(release)"), modules.appending("config")]
        let headers = hasHeaders ? [modules.appending("build/include/config/auto.conf")] : []
        return (files + headers).lazy.compactMap { path in
            root.reading(path, parse: Compiler.init(kernelConfiguration:)).value
        }.first
    }
}
