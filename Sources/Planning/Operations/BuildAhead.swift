package import NodeModel

/// Builds the modules of the installed driver for a kernel that is installed and does not run yet.
///
/// The sources are those that NVIDIA's installer leaves in `/usr/src/nvidia-VERSION`, so nothing is downloaded. Only the
/// modules that the running kernel has are installed. `nvidia` comes last: a kernel with this module has all of them.
/// Nothing is installed that was built for another kernel. When DKMS knows the driver, DKMS builds and installs them.
package struct BuildAhead: Operation {
    /// The version of the installed driver.
    package var version: String
    /// The release of the kernel to build for.
    package var kernel: String
    /// The directory with the modules of the running kernel.
    package var directory: String
    /// The compiler for the kernel modules; nil for the default compiler (`cc`).
    package var compiler: String?
    /// The name under which DKMS knows the driver, such as `nvidia`; nil when the agent builds without DKMS.
    package var dkms: String?
    /// The key that signs the modules; nil when the kernel needs no signature.
    package var signing: ModuleSigning?
    /// The files that decide whether the build succeeds: the headers and the compilers.
    package var basis: [String]

    package init(
        version: String,
        kernel: String,
        directory: String,
        compiler: String? = nil,
        dkms: String? = nil,
        signing: ModuleSigning? = nil,
        basis: [String] = []
    ) {
        self.version = version
        self.kernel = kernel
        self.directory = directory
        self.compiler = compiler
        self.dkms = dkms
        self.signing = signing
        self.basis = basis
    }

    /// The job that builds the modules of this version for this kernel.
    package var jobName: String { StepID.buildAhead.jobName(for: "\(version)-\(kernel)") }

    package var id: StepID { .buildAhead }
    package var title: String {
        "build \(signing == nil ? "" : "and sign ")the kernel modules of driver \(version) for the kernel \(kernel)"
            + (dkms == nil ? "" : " with DKMS")
    }
    package var changes: String {
        "\(dkms == nil ? RemoveAhead.directory(kernel) : "/lib/modules/\(kernel)") and the module index of this kernel"
    }
    package var deadlineSeconds: Int { 1800 }
    package var effects: [Effect] {
        let build =
            dkms.map { [Self.scriptWithDKMS, "build-ahead", version, kernel, $0] }
            ?? [
                Self.script, "build-ahead", version, kernel, directory, RemoveAhead.directory(kernel), HostLayout.work,
            ] + (signing.map { [$0.key, $0.certificate] } ?? [])
        let job = Effect.Job(
            name: jobName,
            command: ["sh", "-ec"] + build,
            environment: compiler.map { ["CC": $0] } ?? [:],
            scratch: HostLayout.work,
            basis: basis.isEmpty ? nil : basis
        )
        return [.job(job), .forgetJobs([jobName])]
    }
    package var failure: StepFailure {
        let byHand =
            dkms.map { "run 'dkms install \($0)/\(version) -k \(kernel)'." }
            ?? "run 'make -C /usr/src/nvidia-\(version) KERNEL_UNAME=\(kernel) modules' in a copy of this directory."
        return StepFailure(
            .buildAheadFailed,
            subject: "the build for the kernel \(kernel)",
            remedy:
                "The node works until it boots this kernel. \(Self.again) To find the cause before, \(byHand)",
            exits: [
                ExitMeaning(
                    Exit.wrongHeaders,
                    .buildAheadFailed,
                    expected: "the headers of the kernel \(kernel)",
                    remedy: "Examine /lib/modules/\(kernel)/build on the node, and install the headers of \(kernel) "
                        + "there. The node works until it boots this kernel. \(Self.again)"
                ),
                ExitMeaning(
                    Exit.wrongModules,
                    .buildAheadFailed,
                    expected: "modules for the kernel \(kernel)",
                    remedy: "Examine /lib/modules/\(kernel)/build on the node: the headers there are not complete. "
                        + "Install them again. The node works until it boots this kernel. \(Self.again)"
                ),
            ]
        )
    }

    /// When the agent repeats a build that failed.
    private static let again =
        "The agent builds the modules again when the headers of this kernel or the compiler change, and after the boot."

    /// The exit statuses of the script that have a meaning of their own.
    private enum Exit {
        static let wrongHeaders = 84
        static let wrongModules = 85
    }

    package var inverse: (any Operation)? {
        RemoveAhead(kernel: kernel, jobs: [jobName], dkms: dkms.map { "\($0)/\(version)" })
    }

    /// The begin of both scripts, which looks at the headers.
    private static let prologue = """
        version=$1 kernel=$2 headers=/lib/modules/$2/build
        fail() {
            echo "ERROR: $2" >&2
            exit "$1"
        }
        found=$(sed -n 's/^#define UTS_RELEASE "\\(.*\\)".*/\\1/p' "$headers/include/generated/utsrelease.h" ||
            cat "$headers/include/config/kernel.release") || :
        [ "$found" = "$kernel" ] ||
            fail \(Exit.wrongHeaders) "The headers in $headers are of ${found:-no kernel}, and not of $kernel."
        """

    private static let script = """
        \(prologue)
        directory=$3 target=$4 work=$5 key=${6:-} certificate=${7:-}
        # What the signature needs is with the headers, and is looked at before the build.
        sign=$headers/scripts/sign-file
        if [ -n "$key" ]; then
            [ -x "$sign" ] || fail \(Exit.wrongHeaders) "The headers lack $sign, with which the agent signs the modules."
            # With quotes until Linux 5.16.
            hash=$(sed -n 's/^CONFIG_MODULE_SIG_HASH="\\{0,1\\}\\([^"]*\\)"\\{0,1\\}$/\\1/p' \
                "$headers/include/config/auto.conf") || :
            [ -n "$hash" ] ||
                fail \(Exit.wrongHeaders) "$headers/include/config/auto.conf does not name the hash of module signatures."
        fi
        source=/usr/src/nvidia-$version build=$work/build-ahead
        [ -e "$source/Makefile" ] || fail 1 "The sources of the kernel modules are not in $source."
        rm -rf "$build"
        mkdir -p "$build" "$target"
        # The disk can be full, and nothing else would remove these files.
        trap 'rm -f "$target"/nvidia*.ko.part' EXIT
        rm -f "$target"/nvidia*.ko.part
        cp -R "$source/." "$build"
        make -C "$build" -j"$(nproc)" KERNEL_UNAME="$kernel" ${CC:+CC="$CC"} modules
        for module in "$build"/*.ko; do
            built=$(modinfo -F vermagic "$module")
            built=${built%% *}
            [ "$built" = "$kernel" ] ||
                fail \(Exit.wrongModules) "The build made ${module##*/} for ${built:-no kernel}, and not for $kernel."
            [ -n "$key" ] || continue
            "$sign" "$hash" "$key" "$certificate" "$module"
            [ "$(tail -c 28 "$module")" = '~Module signature appended~' ] ||
                fail \(Exit.wrongModules) "$sign did not sign ${module##*/}."
        done
        for module in "$build"/*.ko; do
            name=${module##*/}
            [ "$name" != nvidia.ko ] && [ -e "$directory/$name" ] || continue
            cp "$module" "$target/$name.part"
            mv "$target/$name.part" "$target/$name"
        done
        cp "$build/nvidia.ko" "$target/nvidia.ko.part"
        mv "$target/nvidia.ko.part" "$target/nvidia.ko"
        depmod "$kernel"
        # A file in a directory that comes first would hide this one, and the build would be repeated for ever.
        found=$(modinfo -k "$kernel" -n nvidia)
        [ "$found" -ef "$target/nvidia.ko" ] || fail 1 "The kernel $kernel would load $found, and not $target/nvidia.ko."
        rm -rf "$build"
        rmdir "$work" 2>/dev/null || true
        """

    /// The script of the packages with the headers can have let DKMS build already.
    private static let scriptWithDKMS = """
        \(prologue)
        tree=$3
        has_module() {
            built=$(modinfo -k "$kernel" -F vermagic nvidia) || return 1
            [ "${built%% *} $(modinfo -k "$kernel" -F version nvidia)" = "$kernel $version" ]
        } 2>/dev/null
        has_module || dkms install --force "$tree/$version" -k "$kernel"
        has_module || fail 1 "DKMS did not install the module nvidia of version $version for the kernel $kernel."
        """
}

/// Removes the modules that the agent built for another kernel.
package struct RemoveAhead: Operation {
    package var kernel: String
    /// The names of the jobs whose files are removed, too.
    package var jobs: [String]
    /// The name and the version under which DKMS knows them, such as `nvidia/595.91.07`; nil when it does not.
    package var dkms: String?

    package init(kernel: String, jobs: [String], dkms: String? = nil) {
        self.kernel = kernel
        self.jobs = jobs
        self.dkms = dkms
    }

    /// The directory with the modules that the agent builds for a kernel, which is that of NVIDIA's installer.
    static func directory(_ kernel: String) -> String { "/lib/modules/\(kernel)/kernel/drivers/video" }

    package var id: StepID { .removeAhead }
    package var title: String { "remove the kernel modules for the kernel \(kernel)" }
    package var changes: String {
        "\(dkms == nil ? Self.directory(kernel) : "/lib/modules/\(kernel)") and the module index of this kernel"
    }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] {
        let removal =
            dkms.map { [Self.scriptWithDKMS, "remove-ahead", kernel, $0] }
            ?? [Self.script, "remove-ahead", kernel, Self.directory(kernel)]
        return [.run([["sh", "-ec"] + removal]), .forgetJobs(jobs)]
    }
    package var failure: StepFailure { .uninstall }

    /// The kernel can be gone by now.
    private static let script = """
        kernel=$1 directory=$2
        for name in nvidia nvidia-uvm nvidia-modeset nvidia-drm nvidia-peermem; do
            rm -f "$directory/$name.ko" "$directory/$name.ko.part"
        done
        cd "/lib/modules/$kernel" 2>/dev/null || exit 0
        rmdir -p "${directory#"$PWD/"}" 2>/dev/null || true
        if [ -e modules.dep ]; then depmod "$kernel"; fi
        """

    /// The uninstaller of the driver can have removed them by now, and somebody can have removed DKMS.
    private static let scriptWithDKMS = """
        kernel=$1 tree=$2
        if [ -e "/var/lib/dkms/$tree/$kernel" ] && command -v dkms >/dev/null; then dkms remove "$tree" -k "$kernel"; fi
        """
}

extension StepID {
    package static let removeAhead = StepID(rawValue: "remove-ahead")
}
