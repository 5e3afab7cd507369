/// The machine and its operating system.
package struct HostFacts: Codable, Sendable, Equatable {
    /// `uname -r`, read from `proc/sys/kernel/osrelease`.
    package var kernelRelease: Reading<String>
    /// In NVIDIA's words: `x86_64` or `aarch64`.
    package var architecture: Reading<Architecture>
    package var osRelease: Reading<OSRelease>
    package var dmi: Reading<DMIFacts>
    /// Whether the processor says that a hypervisor runs this machine (the flag `hypervisor` of `/proc/cpuinfo`).
    ///
    /// Absent on processors that do not say so, such as those of ARM.
    package var hypervisor: Reading<Bool>
    /// Changes with every boot.
    package var bootID: Reading<String>
    package var secureBoot: Reading<Bool>

    package init(
        kernelRelease: Reading<String>,
        architecture: Reading<Architecture>,
        osRelease: Reading<OSRelease>,
        dmi: Reading<DMIFacts>,
        hypervisor: Reading<Bool> = .skipped("nobody looked"),
        bootID: Reading<String>,
        secureBoot: Reading<Bool>
    ) {
        self.kernelRelease = kernelRelease
        self.architecture = architecture
        self.osRelease = osRelease
        self.dmi = dmi
        self.hypervisor = hypervisor
        self.bootID = bootID
        self.secureBoot = secureBoot
    }
}

/// A processor architecture that NVIDIA ships data-center drivers for.
package enum Architecture: String, Codable, Sendable, CaseIterable {
    case x86_64
    case aarch64
}

/// `/etc/os-release`.
package struct OSRelease: Codable, Sendable, Equatable {
    /// `debian`, `ubuntu`, `azurelinux`.
    package var id: String
    /// `12`, `22.04`; nil on rolling systems.
    package var versionID: String?
    /// What a person reads: `Ubuntu 22.04.5 LTS`.
    package var prettyName: String?

    package init(id: String, versionID: String?, prettyName: String?) {
        self.id = id
        self.versionID = versionID
        self.prettyName = prettyName
    }
}

/// What the firmware says about the machine (`/sys/class/dmi/id`).
package struct DMIFacts: Codable, Sendable, Equatable {
    package var systemVendor: String?
    package var productName: String?
    package var chassisAssetTag: String?

    package init(systemVendor: String?, productName: String?, chassisAssetTag: String?) {
        self.systemVendor = systemVendor
        self.productName = productName
        self.chassisAssetTag = chassisAssetTag
    }
}

/// What is needed to build a kernel module and to keep a package.
package struct BuildFacts: Codable, Sendable, Equatable {
    /// The path of the C compiler.
    package var compiler: Reading<String>
    /// The path of make.
    package var make: Reading<String>
    /// The path of dkms, which builds the modules anew for each new kernel.
    package var dkms: Reading<String>
    /// The release the kernel headers below `/lib/modules/RELEASE/build` were made for.
    ///
    /// A node is fit to build when it equals the running kernel's.
    package var headersRelease: Reading<String>
    /// The free space of the file systems an install writes to.
    package var freeSpace: [FreeSpace]

    package init(
        compiler: Reading<String>,
        make: Reading<String>,
        dkms: Reading<String>,
        headersRelease: Reading<String>,
        freeSpace: [FreeSpace]
    ) {
        self.compiler = compiler
        self.make = make
        self.dkms = dkms
        self.headersRelease = headersRelease
        self.freeSpace = freeSpace
    }
}

/// The free space below one directory of the host.
package struct FreeSpace: Codable, Sendable, Equatable {
    package var path: String
    /// What an unprivileged process could still write, in MiB.
    package var mebibytes: Reading<Int>

    package init(path: String, mebibytes: Reading<Int>) {
        self.path = path
        self.mebibytes = mebibytes
    }
}
