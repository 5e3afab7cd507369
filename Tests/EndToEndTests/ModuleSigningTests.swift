import NodeModel
import TestSupport
import Testing

/// Nodes whose kernel loads only signed modules, with a key in the configuration.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(5)))
struct ModuleSigningTests {
    private static let config = """
        apiVersion: gpu-agent/v1
        kind: AgentConfig
        driver:
          signing: {key: /root/mok/MOK.priv, certificate: /root/mok/MOK.der}
        """

    private static let makeKey = """
        mkdir -p /root/mok && cd /root/mok
        openssl req -x509 -newkey rsa:2048 -nodes -keyout MOK.priv -outform DER -out MOK.der -days 30 -subj /CN=node 2>&1
        chmod 600 MOK.priv
        """

    /// Writes the list of machine owner keys, as the kernel shows it.
    private static let enroll = #"""
        cd /root/mok
        size=$(stat -c %s MOK.der)
        bytes() { for byte; do printf '\\0%03o' "$byte"; done; }
        number() { bytes $(($1 & 255)) $(($1 >> 8 & 255)) 0 0; }
        mkdir -p /sys/firmware/efi/mok-variables
        {
            printf %b "$(bytes 0xa1 0x59 0xc0 0xa5 0xe4 0x94 0xa7 0x4a 0x87 0xb5 0xab 0x15 0x5c 0x2b 0xf0 0x72)"
            printf %b "$(number $((44 + size)))$(number 0)$(number $((16 + size)))"
            printf 0123456789abcdef
            cat MOK.der
        } >/sys/firmware/efi/mok-variables/MokListRT
        """#

    @Test func signsWithAKeyThatTheMachineTrusts() async throws {
        try await SimulatedNode.with("h100", set: ["secure-boot=yes"]) { node in
            try node.directory.write("config.yaml", Self.config)
            let options = ["--config", node.directory.path("config.yaml")]
            try await node.takeFirstLedger()
            let without = try await node.agent("install", options)
            without.expectExit(1)
            #expect(without.errors.contains("/root/mok/MOK.priv does not exist"), "\(without.errors)")

            try await node.run(["bash", "-ec", Self.makeKey])
            let unknown = try await node.agent("install", options)
            unknown.expectExit(1)
            #expect(unknown.errors.contains("Run 'mokutil --import /root/mok/MOK.der'"), "\(unknown.errors)")
            #expect(try node.requests().isEmpty)

            try await node.run(["bash", "-ec", Self.enroll])
            try await node.agent("install", options).expectExit(0)
            #expect(try await node.status(options).verdict == "ready")
            try await node.uninstall().expectExit(0)
            try await node.expectLedger()
        }
    }

    /// A stand-in for the program of the kernel's headers, with the format of the real one's end.
    private static let signFile = #"""
        cat >/usr/src/linux-headers-$1/scripts/sign-file <<'SIGN'
        #!/bin/sh
        set -e
        openssl dgst "-$1" -sign "$2" -out "$4.signature" "$4"
        openssl x509 -inform DER -in "$3" -noout
        cat "$4.signature" >>"$4"
        rm "$4.signature"
        printf '~Module signature appended~\n' >>"$4"
        SIGN
        chmod 755 /usr/src/linux-headers-$1/scripts/sign-file
        """#

    /// A node that signs, with a driver and the headers of the next kernel.
    private static func withNextKernel(
        _ prepare: String,
        _ body: @escaping @Sendable (SimulatedNode, _ options: [String], _ modules: String) async throws -> Void
    ) async throws {
        try await SimulatedNode.with("h100", set: ["secure-boot=yes"]) { node in
            try node.directory.write("config.yaml", config)
            let options = ["--config", node.directory.path("config.yaml")]
            for script in [makeKey, enroll] { try await node.run(["bash", "-ec", script]) }
            let modules = try await BuildAheadTests().installKernel(node)
            let kernel = String(modules.dropFirst("/lib/modules/".count).prefix { $0 != "/" })
            let headers = "mkdir -p /usr/src/linux-headers-$1/{scripts,include/config}\n"
            try await node.run(["bash", "-ec", headers + prepare, "sh", kernel])
            try await node.takeFirstLedger()
            try await node.agent("install", options).expectExit(0)
            try await body(node, options, modules)
        }
    }

    private static let hash =
        "echo CONFIG_MODULE_SIG_HASH=sha512 >>/usr/src/linux-headers-$1/include/config/auto.conf\n"

    /// The modules for the kernel of the next boot are signed, too.
    @Test func signsTheModulesForTheNextKernel() async throws {
        try await Self.withNextKernel(Self.hash + Self.signFile) { node, options, modules in
            #expect(try await node.agent("plan", options).output.contains("build and sign the kernel modules"))
            try await node.agent("install", options).expectExit(0)
            for name in ["nvidia", "nvidia-uvm", "nvidia-modeset"] {
                let end = try await node.run(["tail", "-c", "28", "\(modules)/\(name).ko"])
                #expect(end == "~Module signature appended~\n", "\(name)")
            }
            #expect(try await node.agent("plan", options).output.contains("none, because there is nothing to do"))
            try await node.uninstall().expectExit(0)
            try await node.expectLedger()
        }
    }

    static let unable = [
        (prepare: hash, observed: "The headers lack /lib/modules/KERNEL/build/scripts/sign-file"),
        (signFile, "/lib/modules/KERNEL/build/include/config/auto.conf does not name the hash of module signatures."),
        (
            hash + "ln -s /bin/true /usr/src/linux-headers-$1/scripts/sign-file",
            "/lib/modules/KERNEL/build/scripts/sign-file did not sign "
        ),
    ]

    /// What the next kernel would refuse is not installed.
    @Test(arguments: unable)
    func aModuleWithoutASignatureIsNotInstalled(_ prepare: String, _ observed: String) async throws {
        try await Self.withNextKernel(prepare) { node, options, modules in
            try await node.agent("install", options)
            let status = try await node.status(options)
            let notice = try #require(status.findings.first { $0.code == "kernel-change-pending" })
            let kernel = String(modules.dropFirst("/lib/modules/".count).prefix { $0 != "/" })
            #expect(notice.observed.contains(observed.replacing("KERNEL", with: kernel)), "\(notice)")
            #expect(status.verdict == "ready" && !node.exists("\(modules)/nvidia.ko"))
            try await node.uninstall().expectExit(0)
            try await node.expectLedger()
        }
    }
}
