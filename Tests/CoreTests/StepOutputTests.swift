import Reporting
import Testing

/// The output of a step that is shown.
@Suite struct StepOutputTests {
    @Test func hasALimitOfLinesAndOfTheirLength() {
        var output = StepOutput()
        #expect(output.take("a\tb\r") == "a b " && output.take("") == nil && output.take(" \r") == nil)
        let long = output.take(String(repeating: "x", count: 5000))
        #expect(long?.utf8.count ?? 0 <= StepOutput.lineLimit + 20 && long?.hasSuffix("more bytes)") == true)
        for number in 3...StepOutput.limit { #expect(output.take("\(number)") == "\(number)") }
        #expect(output.leftOut == nil)
        #expect(output.take("more") == nil && output.leftOut == "1 more line")
        #expect(output.take("more") == nil && output.leftOut == "2 more lines")
    }
}
