import FoundationEssentials
import Subprocess
import Support
import SystemPackage
import TestSupport
import Testing

/// Control characters in the files of a host do not reach the terminal of a person who examines it.
@Suite struct TerminalSafetyTests {
    private static let products = URL(
        filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    ).deletingLastPathComponent().path

    /// A color, a title, C1 control characters and bidirectional overrides, between two words.
    private static let text =
        "before\u{1B}[31m\u{1B}]0;x\u{7}\u{9B}2J\u{9D}0;x\u{9C}\u{202E}\u{2066}\u{feff}\u{7F}after"
    /// The same text in a JSON document.
    private static let escaped = text.unicodeScalars.map { scalar in
        scalar.isASCII && (0x20..<0x7f).contains(scalar.value)
            ? String(scalar) : "\\u" + hex(scalar.value, digits: 4)
    }.joined()

    /// A host whose agent left such texts in all of its files.
    private func host() throws -> TemporaryDirectory {
        let tree = try TemporaryDirectory()
        let function = "sys/bus/pci/devices/0001:00:00.0"
        let ids = [("vendor", "0x10de"), ("device", "0x2321"), ("subsystem_vendor", "0x10de")]
        let more = [("subsystem_device", "0x1839"), ("class", "0x030200"), ("revision", "0xa1")]
        for (name, text) in ids + more { try tree.write("\(function)/\(name)", "\(text)\n") }
        try tree.write("etc/os-release", "ID=ubuntu\nVERSION_ID=24.04\nPRETTY_NAME=\"\(Self.text)\"\n")
        try tree.write("proc/sys/kernel/osrelease", "6.8.0-\(Self.text)\n")
        let text = Self.escaped
        try tree.write(
            "run/gpu-agent/published.json",
            #"{"node":"\#(text)","labels":{},"ownerLabelsFailure":"\#(text)","ownerLabelsFailedSince":1,"#
                + #""ownerLabels":{"nvidia.com/gpu.deploy.driver":"\#(text)"},"failure":"\#(text)","isRefused":true,"#
                + #""contested":[{"field":"\#(text)","managers":["\#(text)"]}]}"#
        )
        try tree.write(
            "run/gpu-agent/activity.json",
            #"{"kind":"retry","subject":"\#(text)","since":1,"until":9999999999,"lastLine":"\#(text)","lastLineAt":2}"#
        )
        try tree.write(
            "var/lib/gpu-agent/journal.json",
            #"{"apiVersion":"gpu-agent/v1","kind":"Journal","record":{"state":"started","kind":"datacenter","#
                + #""version":"\#(text)","kernelModuleType":"open","kernelRelease":"\#(text)","artifactHash":"\#(text)"},"#
                + #""plan":["\#(text)"],"steps":[{"step":"download","state":"failed","startedAt":1,"seconds":1,"failure":"#
                + #"{"code":"download-failed","state":"failed","title":"\#(text)","observed":"\#(text)","#
                + #""expected":"\#(text)","remedy":"\#(text)"}}]}"#
        )
        return tree
    }

    @Test(arguments: ["status", "facts", "plan", "validate", "labels"], ["text", "json", "yaml"])
    func noTextOfAFileReachesTheTerminalRaw(_ command: String, _ format: String) async throws {
        let tree = try host()
        let catalog = ["--catalog-directory", fixture("../../catalog")]
        let result = try await run(
            .path(FilePath("\(Self.products)/gpu-agent")),
            arguments: Arguments([command, "--host-pid", "none", "--host-root", tree.path, "-o", format] + catalog),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        let output = result.standardOutput
        // `labels` has none of these texts, and shows that nothing else does it.
        if command != "labels" { #expect(output.contains("before") && output.contains("after"), "\(output)") }
        #expect(output == output.visibleLines, "\(output.debugDescription)")
        #expect(result.standardError == result.standardError.visibleLines)
    }

    /// A journal that the agent refuses is quoted in the error.
    @Test func norDoesAJournalOfAnotherVersion() async throws {
        let tree = try host()
        try tree.write(
            "var/lib/gpu-agent/journal.json",
            #"{"apiVersion":"\#(Self.escaped)","kind":"Journal","steps":[]}"#
        )
        let result = try await run(
            .path(FilePath("\(Self.products)/gpu-agent")),
            arguments: ["facts", "--host-pid", "none", "--host-root", tree.path],
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        #expect(result.standardOutput.contains("before"))
        #expect(result.standardOutput == result.standardOutput.visibleLines)
    }
}
