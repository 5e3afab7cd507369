import Testing

@testable import Host

@Suite struct HostPathTests {
    @Test(arguments: [
        ("/", "/"), ("//", "/"), ("/etc/", "/etc"), ("/etc//os-release", "/etc/os-release"),
        ("/./etc/./x", "/etc/x"), ("/a/../b", "/a/../b"),
    ])
    func dropsOnlyWhatNeverMatters(_ text: String, _ expected: String) throws {
        #expect(try #require(HostPath(absolute: text)).text == expected)
    }

    @Test(arguments: ["", "etc", "./etc", "/etc\0/passwd"])
    func refusesWhatIsNoAbsolutePath(_ text: String) {
        #expect(HostPath(absolute: text) == nil)
    }

    @Test(arguments: ["", ".", "..", "a/b", "/etc", "a\0b"])
    func refusesDataThatIsNoNameOfAFile(_ name: String) {
        #expect { try HostPath("/lib").entry(name) } throws: { error in
            guard case HostError.malformed(let path, cause: _) = error else { return false }
            return path == "/lib"
        }
    }

    @Test(arguments: ["../etc/passwd", "updates/../../x", "a/./b", "updates/a\0b"])
    func refusesDataThatLeadsElsewhere(_ relative: String) {
        #expect(throws: HostError.self) { try HostPath("/lib").descendant(relative) }
    }

    @Test func goesDownByData() throws {
        #expect(try HostPath("/lib").entry("..x") == "/lib/..x")
        #expect(try HostPath("/lib").descendant("/updates//dkms/nvidia.ko") == "/lib/updates/dkms/nvidia.ko")
        #expect {
            try HostPath("/lib").entry("a\0\u{1b}[2J")
        } throws: { error in
            "\((error as? HostError)?.cause as Any)".contains("'a\u{fffd}\u{fffd}[2J' is not a valid file name")
        }
    }

    @Test func takesAPathApart() {
        let path: HostPath = "/lib/modules/6.1/modules.dep"
        #expect(path.parent == "/lib/modules/6.1")
        #expect(path.lastComponent == "modules.dep")
        #expect(HostPath("/lib").parent == .root)
        #expect(HostPath.root.parent == .root)
        #expect(HostPath.root.lastComponent == "")
        #expect(HostPath.root.appending("/etc/passwd") == "/etc/passwd")
    }
}
