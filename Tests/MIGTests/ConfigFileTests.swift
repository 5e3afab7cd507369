import Documents
import MIG
import NodeModel
import TestSupport
import Testing

@Suite struct MIGConfigFileTests {
    private func read(_ text: String) throws -> Result<MIGConfigFile, DocumentProblems> {
        MIGConfigFile.read(try YAMLDocument.parse(text, file: "mig.yaml"))
    }

    /// The entries of a layout of the usual file.
    static func entries(_ name: String) throws -> [MIGConfigFile.Entry] {
        try MIGConfigFile.read(try YAMLDocument.parse(usual, file: "mig.yaml")).get().selected(name).entries
    }

    private func problems(_ text: String) throws -> [String] {
        switch try read(text) {
        case .success: []
        case .failure(let problems): problems.problems.map(\.description)
        }
    }

    /// The forms of the files that come with `nvidia-mig-parted` and NVIDIA's operator.
    static let usual = """
        version: v1
        mig-configs:
          all-disabled:
            - devices: all
              mig-enabled: false
          all-enabled:
            - devices: all
              mig-enabled: true
              mig-devices: {}
          all-balanced:
            - device-filter: ["0x20B010DE", "0x20F110DE"]
              devices: all
              mig-enabled: true
              mig-devices:
                "1g.5gb": 2
                "2g.10gb": 1
                "3g.20gb": 1
            - device-filter: "0x2BB510DE:0x204E10DE"
              devices: [0,1]
              mig-enabled: true
              mig-devices:
                "1g.24gb+me.all": 1
                "1g.24gb-me": 3
          custom:
            - devices: [0,1]
              mig-enabled: false
            - devices: [2]
              mig-enabled: true
              mig-devices:
                "1c.3g.20gb": 3
                "1g.5gb+me": 1

        """

    @Test func readsTheUsualFile() throws {
        let file = try read(Self.usual).get()
        #expect(file.layouts.map(\.name) == ["all-disabled", "all-enabled", "all-balanced", "custom"])
        let balanced = try file.selected("all-balanced").entries
        #expect(balanced[0].filters.map(\.pciID) == [0x20B0_10DE, 0x20F1_10DE])
        #expect(
            balanced[0].migDevices.map { "\($0.profile): \($0.count)" } == ["1g.5gb: 2", "2g.10gb: 1", "3g.20gb: 1"]
        )
        #expect(balanced[1].filters.map(\.subsystemID) == [0x204E_10DE])
        #expect(balanced[1].devices == .indices([0, 1]))
        #expect(
            try file.selected("custom").entries[1].migDevices.map(\.profile.description) == ["1c.3g.20gb", "1g.5gb+me"]
        )
    }

    @Test func allProblemsAtOnce() throws {
        let text = """
            version: v2
            mig-configs:
              one:
                - devices: some
                  mig-enabled: yes
                  mig-device: {}
                - devices: [0, 0, x]
                  mig-enabled: true
                - device-filter: 2BB5
                  devices: all
                  mig-enabled: false
                  mig-devices: {"1g.5gb": 1, "9h": 1, "1g.5gb": 2, "2g.10gb": -1}
              two: []
              one: []
            hooks: {}

            """
        try expectGolden(try problems(text).joined(separator: "\n") + "\n", "Goldens/problems.txt")
    }

    @Test func theLayoutMustBeNamed() throws {
        let file = try read(Self.usual).get()
        #expect(throws: MIGSelectionError.ambiguous(["all-disabled", "all-enabled", "all-balanced", "custom"])) {
            try file.selected(nil)
        }
        do {
            _ = try file.selected("all-balance")
            Issue.record("there is no such layout")
        } catch { #expect("\(error)".hasPrefix("the file has no layout 'all-balance'; did you mean 'all-balanced'?")) }
        let only = try read("version: v1\nmig-configs: {x: [{devices: all, mig-enabled: false}]}\n").get()
        #expect(try only.selected(nil).name == "x")
    }

    @Test(
        arguments: [
            "1g.5gb", "1g.10gb+me", "1c.3g.40gb", "2c.4g.20gb", "1g.24gb+gfx", "1g.24gb+me.all", "2g.48gb-me",
            "7g.141gb",
            "1c.1g.24gb+gfx",
        ]
    ) func names(_ text: String) throws {
        let name = try #require(MIGProfileName(text))
        #expect(name.description == text.replacing("1c.1g", with: "1g"))
    }

    @Test(
        arguments: [
            "", "1g", "5gb", "0g.5gb", "1g.5gb+", "1g.5gb+xx", "4c.3g.40gb", "1g.5gb.me", "1g.5GB", "1c.1c.3g.40gb",
            "01g.5gb", "1g.٥gb", "1g.99999gb", "-1g.5gb", "1 g.5gb", "1g.5gb+me+gfx",
        ]
    ) func noNames(_ text: String) {
        #expect(MIGProfileName(text) == nil)
    }

    @Test func whichGPUsAnEntryIsFor() throws {
        let file = try read(Self.usual).get()
        let gpus = [
            GPUModels.gpu(GPUModels.a100, index: 0), GPUModels.gpu(GPUModels.a100, index: 1, pciID: 0x2330_10DE),
            GPUModels.gpu([], index: 2, mode: nil),
        ]
        let balanced = MIGTargets.resolve(try file.selected("all-balanced").entries, MIGInventory(gpus: gpus))
        #expect(balanced.targets.mapValues(\.text) == [0: "2 × 1g.5gb, 2g.10gb, 3g.20gb"])
        #expect(balanced.problems.isEmpty)
        let off = MIGTargets.resolve(try file.selected("all-disabled").entries, MIGInventory(gpus: gpus))
        #expect(off.targets.mapValues(\.text) == [0: "MIG mode off", 1: "MIG mode off"])
        let custom = MIGTargets.resolve(try file.selected("custom").entries, MIGInventory(gpus: gpus))
        #expect(custom.problems == ["mig.yaml:27:7: GPU 2 (0000:03:00.0) has no MIG (a GPU)"])
        let fewer = MIGTargets.resolve(try file.selected("custom").entries, MIGInventory(gpus: Array(gpus.prefix(1))))
        #expect(fewer.problems == ["mig.yaml:25:7: the node has no GPU 1", "mig.yaml:27:7: the node has no GPU 2"])
    }

    @Test func twoEntriesForOneGPU() throws {
        let text = """
            version: v1
            mig-configs:
              x:
                - {devices: all, mig-enabled: false}
                - {devices: [0], mig-enabled: true, mig-devices: {1g.5gb: 1}}

            """
        let entries = try read(text).get().selected(nil).entries
        #expect(
            MIGTargets.resolve(entries, MIGInventory(gpus: [GPUModels.gpu(GPUModels.a100)])).problems
                == ["mig.yaml:5:7: GPU 0 (0000:01:00.0) is in two entries: MIG mode off, and 1g.5gb"]
        )
    }
}
