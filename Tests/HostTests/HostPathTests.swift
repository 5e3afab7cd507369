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
