import NodeModel
import TestSupport

extension InstallFault {
    /// Hosts that lack what the build needs, or on which another process is in the way.
    static let hosts: [InstallFault] = [
        InstallFault(
            name: "a compiler that is gone",
            inject: { node in
                await node.setup.add(options: try node.node.withoutBuildPackages())
                try await node.shell("mkdir /run/away; mv /usr/bin/cc /usr/bin/gcc /usr/bin/gcc-[0-9]* /run/away")
            },
            heal: { try await $0.shell("mv /run/away/* /usr/bin") },
            code: "compiler-missing",
            says: "Install gcc on the host"
        ),
        InstallFault(
            name: "a compiler that goes during the build",
            inject: { node in
                // This compiler removes itself when it has compiled the first file.
                try await node.shell(
                    """
                    mkdir /run/away; mv /usr/bin/cc /run/away
                    cat >/usr/bin/cc <<'SCRIPT'
                    #!/bin/sh
                    gcc "$@"
                    status=$?
                    case " $* " in *' -c '*) rm -f /usr/bin/cc ;; esac
                    exit $status
                    SCRIPT
                    chmod 755 /usr/bin/cc
                    """
                )
            },
            heal: { try await $0.shell("mv /run/away/* /usr/bin") },
            code: "installer-failed",
            says: "cc: ",
            leaves: [.package, .job, .installerLog]
        ),
        InstallFault(
            name: "headers of another kernel",
            settings: ["headers=6.1.0-1-cloud"],
            inject: { await $0.setup.add(options: try $0.node.withoutBuildPackages()) },
            heal: { node in
                try await node.shell(
                    """
                    cd /lib/modules/$(uname -r)/build/include/generated
                    printf '#define UTS_RELEASE "%s"\\n' "$(uname -r)" >utsrelease.h
                    """
                )
            },
            code: "kernel-headers-missing",
            says: "The host has only the kernel headers of 6.1.0-1-cloud."
        ),
        InstallFault(
            name: "a package manager that another process holds for a while",
            settings: ["headers=no"],
            inject: { try await $0.holdPackageManager(seconds: 4) },
            during: { node in
                try await until("the job waits for the lock") {
                    let log = "\(HostLayout.jobs)/build-packages-595.91.07/log"
                    return node.node.text(log)?.contains("waiting for the package manager: process ") == true
                }
            },
            code: nil,
            says: "√ build-packages"
        ),
        InstallFault(
            name: "a package manager that another process never releases",
            settings: ["headers=no"],
            inject: { try await $0.holdPackageManager(seconds: 3000) },
            heal: { try await $0.shell("kill $(cat /run/holder)") },
            code: "package-manager-busy",
            says: "After 900 seconds, process ",
            limit: .seconds(960),
            // The download of the driver does not wait for the packages.
            leaves: [.package, .job],
            isSlow: true
        ),
        InstallFault(
            name: "a process that holds a GPU",
            settings: ["driver=580.105.08 grid-azure open"],
            inject: { node in
                await node.setup.add(options: try node.node.options(for: "595.91.07", takeover: true))
                try await node.node.holdGPUs()
            },
            heal: { try await $0.node.releaseGPUs() },
            code: "driver-in-use",
            says: "python3"
        ),
    ]

    /// Packages whose installer does not tell the truth.
    static let installers: [InstallFault] = [
        InstallFault(
            name: "an installer that exits 0 and installs nothing",
            inject: { try await $0.serve("#!/bin/sh\necho done\nexit 0\n") },
            heal: { try await $0.serveOriginal() },
            code: "installer-failed",
            says: "the installer exited with status 0, but the host has no kernel module nvidia",
            leaves: [.package, .job]
        ),
        InstallFault(
            name: "an installer that exits 0 without the library of CUDA",
            inject: { node in
                let original = node.node.directory.path("packages/\(FaultyNode.package)")
                try await succeed(["cp", original, node.node.path("/run/driver.run")])
                try await node.serve("#!/bin/sh\nsh /run/driver.run \"$@\" && rm -f /usr/lib/*/libcuda.so*\n")
            },
            heal: { try await $0.serveOriginal() },
            code: "installer-failed",
            says: "the installer exited with status 0, but the host has no library libcuda",
            leaves: [.driver, .installerLog, .package, .job]
        ),
        InstallFault(
            name: "an installer that exits 1 after it installed the driver",
            inject: { node in
                let original = node.node.directory.path("packages/\(FaultyNode.package)")
                try await succeed(["cp", original, node.node.path("/run/driver.run")])
                try await node.serve("#!/bin/sh\nsh /run/driver.run \"$@\"\nexit 1\n")
            },
            code: nil,
            says: "the installer exited with status 1, but the driver is complete"
        ),
        InstallFault(
            name: "an installer that exits 1 before it installed nvidia-smi",
            inject: { node in
                let original = node.node.directory.path("packages/\(FaultyNode.package)")
                try await succeed(["cp", original, node.node.path("/run/driver.run")])
                try await node.serve("#!/bin/sh\nsh /run/driver.run \"$@\"\nrm /usr/bin/nvidia-smi\nexit 1\n")
            },
            heal: { try await $0.serveOriginal() },
            code: "installer-failed",
            says: "the installer exited with status 1",
            leaves: [.driver, .installerLog, .package, .job]
        ),
    ]
}

extension FaultyNode {
    /// Makes a repository with the kernel headers, and a process that holds the lock of dpkg for a time.
    fileprivate func holdPackageManager(seconds: Int) async throws {
        let repository = try await DebianRepository(node)
        try await repository.packages.start(
            "python3 /run/lock.py /var/lib/dpkg/lock-frontend \(seconds) & echo $! >/run/holder",
            until: "[ -e /run/locked ]"
        )
    }
}
