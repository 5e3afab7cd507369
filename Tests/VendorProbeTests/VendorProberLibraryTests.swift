import FoundationEssentials
import Glibc
import NodeModel
import Testing
import VendorProbe

/// Files of NVIDIA's libraries that are missing, damaged, old, or not safe to load.
@Suite struct VendorProberLibraryTests {
    @Test func librariesThatTheHostDoesNotHaveAreAbsent() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            let none = await host.prober(libraries: VendorLibraries(nvml: nil, cuda: nil)).facts()
            #expect(none == VendorFacts(nvml: .absent, cuda: .absent, peers: .absent))
            let some = await host.prober(libraries: VendorLibraries(nvml: nil, cuda: host.cuda)).facts()
            #expect(some.nvml == .absent)
            #expect(some.cuda.value?.map(\.deviceCount) == [1])
        }
    }

    @Test func aFileThatIsNoLibraryIsNamed() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            try Toolbox.write("not a library", to: host.nvml)
            try FileManager.default.removeItem(atPath: host.cuda)
            let facts = await host.prober().facts()
            #expect(facts.nvml.failure?.reason == .library)
            #expect(facts.nvml.failure?.detail.contains(host.nvml) == true)
            #expect(facts.cuda.failure?.reason == .library)
            #expect(facts.cuda.failure?.detail.contains(host.cuda) == true)
        }
    }

    /// What the loader would call "no such file" or a bus error is called by its name.
    @Test func aDamagedLibraryIsCalledSo() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            let whole = try Data(contentsOf: URL(filePath: host.nvml))
            var foreign = whole
            // e_machine: s390x, which neither of the agent's processors is.
            foreign[18] = 22
            var narrow = whole
            narrow[4] = 1
            for (bytes, fault) in [
                (whole.prefix(whole.count / 2), LibraryFault.truncated), (whole.prefix(100), .truncated),
                (whole.prefix(20), .truncated), (Data(), .truncated), (Data("not a library".utf8), .notALibrary),
                (foreign, .otherArchitecture), (narrow, .otherArchitecture),
            ] {
                try Data(bytes).write(to: URL(filePath: host.nvml))
                let failure = await host.prober().facts().nvml.failure
                #expect(failure.flatMap(LibraryFault.init) == fault, "\(failure?.detail ?? "no failure")")
                #expect(failure?.detail.contains(host.nvml) == true)
            }
        }
    }

    @Test(
        arguments: [
            ("chmod 0666 FILE", "has mode 666"), ("chmod 0775 FILE", "has mode 775"),
            ("chown 65534 FILE", "belongs to user 65534"), ("chmod 0777 DIRECTORY", "has mode 777"),
            ("chown 65534 DIRECTORY", "belongs to user 65534"), ("chmod 1777 DIRECTORY", nil), ("chmod 0444 FILE", nil),
        ] as [(String, String?)]
    )
    func aLibraryThatOthersCanChangeIsNotLoaded(change: String, why: String?) async throws {
        guard geteuid() == 0 else { try Test.cancel("only root gives files away") }
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            let command = change.replacing("FILE", with: "'\(host.nvml)'")
                .replacing("DIRECTORY", with: "'\(host.root)/usr/lib'")
            try await Toolbox.run("sh", ["-c", command])
            let nvml = await host.prober().facts().nvml
            #expect((nvml.value == nil) == (why != nil))
            guard let why else { return }
            #expect(nvml.failure.flatMap(LibraryFault.init) == .untrusted)
            #expect(nvml.failure?.detail.hasSuffix(why) == true, "\(nvml.failure?.detail ?? "")")
        }
    }

    @Test func aFunctionThatTheLibraryLacksIsNamed() async throws {
        let facts = try await StandInHost.with(
            hardware: StandInHost.vgpu,
            defines: "-DSTANDIN_WITHOUT_MIG_MODE"
        ) { host in
            let facts = await host.prober().facts()
            #expect(facts.nvml.failure?.detail == "\(host.nvml): no symbol nvmlDeviceGetMigMode")
            return facts
        }
        #expect(facts.nvml.failure?.reason == .library)
        #expect(facts.cuda.value != nil)
    }
}
