/// The hardware platform of the node and its operating system.
package struct HostFacts: Codable, Sendable, Equatable {
    /// The release of the running kernel, as `uname -r` prints it (`/proc/sys/kernel/osrelease`).
    package var kernelRelease: Reading<String>
    /// The processor architecture, by the name that NVIDIA uses: `x86_64` or `aarch64`.
    package var architecture: Reading<Architecture>
    package var osRelease: Reading<OSRelease>
    package var dmi: Reading<DMIFacts>
    /// Whether the processor reports a hypervisor (the flag `hypervisor` in `/proc/cpuinfo`).
    ///
    /// Absent on processors that have no such flag, such as ARM processors.
    package var hypervisor: Reading<Bool>
    /// An identifier that changes with every boot (`/proc/sys/kernel/random/boot_id`).
    package var bootID: Reading<String>
    /// Whether Secure Boot is on.
    package var secureBoot: Reading<Bool>
    /// The lockdown mode of the running kernel (`/sys/kernel/security/lockdown`).
    ///
    /// Absent when the kernel has no lockdown, and skipped when securityfs is not mounted.
    package var lockdown: Reading<KernelLockdown>
    /// Whether the running kernel loads only signed modules (`/sys/module/module/parameters/sig_enforce`).
    ///
    /// Absent when the kernel checks no signatures.
    package var signatureEnforcement: Reading<Bool>
    /// The key that signs kernel modules, when the configuration names one.
    ///
    /// Unreadable when the key cannot be used.
    package var signingKey: Reading<SigningKey>
    /// Whether the file system with `/usr` is mounted read-only (`/proc/1/mountinfo`), as on immutable systems.
    package var usrIsReadOnly: Reading<Bool>
    /// The installed kernel that is newer than the running one; absent when the running kernel is the newest.
    package var pendingKernel: Reading<PendingKernel>

    package init(
        kernelRelease: Reading<String>,
        architecture: Reading<Architecture>,
        osRelease: Reading<OSRelease>,
        dmi: Reading<DMIFacts>,
        hypervisor: Reading<Bool> = .skipped("not inspected"),
        bootID: Reading<String>,
        secureBoot: Reading<Bool>,
        lockdown: Reading<KernelLockdown> = .skipped("not inspected"),
        signatureEnforcement: Reading<Bool> = .skipped("not inspected"),
        signingKey: Reading<SigningKey> = .skipped("not inspected"),
        usrIsReadOnly: Reading<Bool> = .skipped("not inspected"),
        pendingKernel: Reading<PendingKernel> = .skipped("not inspected")
    ) {
        self.kernelRelease = kernelRelease
        self.architecture = architecture
        self.osRelease = osRelease
        self.dmi = dmi
        self.hypervisor = hypervisor
        self.bootID = bootID
        self.secureBoot = secureBoot
        self.lockdown = lockdown
        self.signatureEnforcement = signatureEnforcement
        self.signingKey = signingKey
        self.usrIsReadOnly = usrIsReadOnly
        self.pendingKernel = pendingKernel
    }
}

/// A key that can sign kernel modules.
package struct SigningKey: Codable, Sendable, Equatable {
    /// The files of the key.
    package var files: ModuleSigning
    /// Whether the certificate is a machine owner key (MOK) of this machine, which its kernel trusts.
    package var isEnrolled: Bool

    package init(files: ModuleSigning, isEnrolled: Bool) {
        self.files = files
        self.isEnrolled = isEnrolled
    }
}

/// The lockdown mode of a kernel.
package enum KernelLockdown: String, Codable, Sendable, CaseIterable {
    case none
    /// Nobody can change the running kernel, so it refuses unsigned modules.
    case integrity
    /// In addition, nobody can read secrets out of the kernel.
    case confidentiality
}

/// A processor architecture for which NVIDIA publishes datacenter drivers.
package enum Architecture: String, Codable, Sendable, CaseIterable {
    case x86_64
    case aarch64
}

/// The operating system, as `/etc/os-release` describes it.
package struct OSRelease: Codable, Sendable, Equatable {
    /// The field `ID`, such as `debian`, `ubuntu` or `azurelinux`.
    package var id: String
    /// The field `VERSION_ID`, such as `12` or `22.04`; nil on rolling releases.
    package var versionID: String?
    /// The first number of the version, such as `9` of `9.4`.
    package var majorVersion: Int? { versionID?.split(separator: ".").first.flatMap { Int($0) } }
    /// The name for people: `Ubuntu 22.04.5 LTS`.
    package var prettyName: String?
    /// The field `VARIANT_ID`, such as `coreos` or `aws-k8s-1.35-nvidia`; nil on systems without variants.
    package var variantID: String?

    package init(id: String, versionID: String?, prettyName: String?, variantID: String? = nil) {
        self.id = id
        self.versionID = versionID
        self.prettyName = prettyName
        self.variantID = variantID
    }
}

/// What the firmware reports about the machine (DMI, `/sys/class/dmi/id`).
package struct DMIFacts: Codable, Sendable, Equatable {
    package var systemVendor: String?
    package var productName: String?
    package var chassisAssetTag: String?
    /// Such as `4.11.amazon` on Amazon's Xen hosts.
    package var productVersion: String?
    package var biosVersion: String?
    /// The UUID of the machine; nil without root.
    ///
    /// On Amazon EC2 it begins with `ec2`.
    package var productUUID: String?
    /// The version that the hypervisor Xen reports (`/sys/hypervisor/version`), such as `4.11.amazon`.
    package var hypervisorVersion: String?

    package init(
        systemVendor: String?,
        productName: String?,
        chassisAssetTag: String?,
        productVersion: String? = nil,
        biosVersion: String? = nil,
        productUUID: String? = nil,
        hypervisorVersion: String? = nil
    ) {
        self.systemVendor = systemVendor
        self.productName = productName
        self.chassisAssetTag = chassisAssetTag
        self.productVersion = productVersion
        self.biosVersion = biosVersion
        self.productUUID = productUUID
        self.hypervisorVersion = hypervisorVersion
    }
}

/// What an install needs on the host: tools to build kernel modules, and disk space.
package struct BuildFacts: Codable, Sendable, Equatable {
    /// The path of the C compiler.
    package var compiler: Reading<String>
    /// The version of that compiler.
    ///
    /// Skipped while a driver is loaded, unless a newer kernel lacks a module of it.
    package var compilerVersion: Reading<Compiler>
    /// The compiler that built the running kernel, from `/proc/version`.
    package var kernelCompiler: Reading<Compiler>
    /// The path of a compiler with the major version of the kernel's compiler in its name, such as `/usr/bin/gcc-13`.
    package var namedCompiler: Reading<String>
    /// The path of make.
    package var make: Reading<String>
    /// The path of dkms, which rebuilds the modules for each new kernel.
    package var dkms: Reading<String>
    /// The kernel release of the headers in `/lib/modules/RELEASE/build`.
    ///
    /// The host can build kernel modules when this is the release of the running kernel.
    package var headersRelease: Reading<String>
    /// The free space in the directories that an install writes to.
    package var freeSpace: [FreeSpace]
    /// The programs on the host that install packages from repositories, such as `apt-get`.
    package var packageTools: Reading<[String]>
    /// Those of the directories of `freeSpace` in which no program can run, because of the mount option `noexec`.
    package var noExec: Reading<[String]>
    /// The size of the largest initramfs in `/boot`, in MiB.
    package var initramfsMebibytes: Reading<Int>
    /// The packages that the agent installed for the build of the kernel modules, as its file on the host lists them.
    package var buildPackages: Reading<[String]>
    /// The packages with prebuilt modules for the running kernel that the repositories of the host offer, and the
    /// packages that belong to them.
    ///
    /// Absent when no repository has such modules. Skipped when the configuration does not need the answer.
    package var prebuiltPackages: Reading<[OfferedPackage]>
    /// Those for the kernel of the next boot; nil when the agent installs no modules for it ahead of the boot.
    package var prebuiltAhead: Reading<[OfferedPackage]>?
    /// The packages for the build in the directory that `driver.source` names.
    ///
    /// Absent when the directory has none for this kernel. Skipped when the configuration names no directory.
    package var bundle: Reading<PackageBundle>
    /// Those for the kernel of the next boot; nil when no other kernel is installed.
    package var bundleAhead: Reading<PackageBundle>?
    /// The packages for NVLink that the repositories of the host offer, in all their versions.
    ///
    /// Skipped when no decision depends on it.
    package var fabricPackages: Reading<[OfferedPackage]>
    /// The packages for NVLink that the agent installed, as its file on the host lists them.
    package var ownFabricPackages: Reading<[String]>
    /// The packages for NVLink whose files the agent keeps on the host, by the version of their driver; nil in facts of
    /// earlier versions of the agent.
    package var keptFabricPackages: Reading<[String: [OfferedPackage]]>?

    package init(
        compiler: Reading<String>,
        compilerVersion: Reading<Compiler> = .skipped("not inspected"),
        kernelCompiler: Reading<Compiler> = .skipped("not inspected"),
        namedCompiler: Reading<String> = .skipped("not inspected"),
        make: Reading<String>,
        dkms: Reading<String>,
        headersRelease: Reading<String>,
        freeSpace: [FreeSpace],
        packageTools: Reading<[String]> = .skipped("not inspected"),
        noExec: Reading<[String]> = .skipped("not inspected"),
        initramfsMebibytes: Reading<Int> = .skipped("not inspected"),
        buildPackages: Reading<[String]> = .skipped("not inspected"),
        prebuiltPackages: Reading<[OfferedPackage]> = .skipped("not inspected"),
        bundle: Reading<PackageBundle> = .skipped("not inspected"),
        fabricPackages: Reading<[OfferedPackage]> = .skipped("not inspected"),
        ownFabricPackages: Reading<[String]> = .skipped("not inspected"),
        keptFabricPackages: Reading<[String: [OfferedPackage]]>? = nil
    ) {
        self.compiler = compiler
        self.compilerVersion = compilerVersion
        self.kernelCompiler = kernelCompiler
        self.namedCompiler = namedCompiler
        self.make = make
        self.dkms = dkms
        self.headersRelease = headersRelease
        self.freeSpace = freeSpace
        self.packageTools = packageTools
        self.noExec = noExec
        self.initramfsMebibytes = initramfsMebibytes
        self.buildPackages = buildPackages
        self.prebuiltPackages = prebuiltPackages
        self.bundle = bundle
        self.fabricPackages = fabricPackages
        self.ownFabricPackages = ownFabricPackages
        self.keptFabricPackages = keptFabricPackages
    }
}

/// The free space in a directory of the host.
package struct FreeSpace: Codable, Sendable, Equatable {
    package var path: String
    /// The space that an unprivileged process can still use, in MiB.
    package var mebibytes: Reading<Int>
    /// The device number of the file system (`st_dev`); nil when it is not known.
    ///
    /// Directories with the same number share their space.
    package var fileSystem: String?

    package init(path: String, mebibytes: Reading<Int>, fileSystem: String? = nil) {
        self.path = path
        self.mebibytes = mebibytes
        self.fileSystem = fileSystem
    }
}
