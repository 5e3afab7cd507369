import NodeModel
import Testing

@testable import Host

/// What dnf says about the packages that the repositories offer.
@Suite struct DnfRepoqueryTests {
    /// dnf 4 ends each line itself, so the format makes an empty line.
    @Test(arguments: ["\n", "\n\n"])
    func readsAllVersions(_ end: String) {
        let said = [
            "Updating Subscription Management repositories.",
            "kmod-nvidia-open-580.105.08-6.12.0-124.20.1|3:580.105.08-3.el10_1|Red Hat, Inc.",
            "nvidia-driver-cuda|3:580.105.08-1.el10|", "nvidia-driver-cuda|3:595.71.05-1.el10|(none)",
            "nvidia-fabricmanager|580.105.08-1|NVIDIA | Corporation", "-rf|1-1|", "a name|1-1|", "name|$(reboot)|",
            "name",
        ].joined(separator: end)
        #expect(
            DnfRepoquery.parse(said) == [
                OfferedPackage(
                    name: "kmod-nvidia-open-580.105.08-6.12.0-124.20.1",
                    version: "3:580.105.08-3.el10_1",
                    vendor: "Red Hat, Inc."
                ),
                OfferedPackage(name: "nvidia-driver-cuda", version: "3:580.105.08-1.el10"),
                OfferedPackage(name: "nvidia-driver-cuda", version: "3:595.71.05-1.el10"),
                OfferedPackage(name: "nvidia-fabricmanager", version: "580.105.08-1", vendor: "NVIDIA | Corporation"),
            ]
        )
        #expect(DnfRepoquery.parse("") == [])
    }

    @Test func readsNoMoreThanItConsiders() {
        let said = (0..<1000).map { "nvidia-driver-cuda|3:580.1.\($0)-1|" }.joined(separator: "\n")
        #expect(DnfRepoquery.parse(said).count == 500)
    }
}
