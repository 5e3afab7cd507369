import Glibc

/// The function that libFuzzer calls with each input.
///
/// The environment variable `FUZZ_TARGET` names the target.
///
/// Only `scripts/fuzz` compiles it.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let target else {
        fail(["the environment's FUZZ_TARGET must name one of \(FuzzTarget.allCases.map(\.rawValue))"])
    }
    let broken = target.broken(by: Array(UnsafeBufferPointer(start: data, count: size)))
    if !broken.isEmpty { fail(broken.map { "does not hold: \($0)" }) }
    return 0
}

private func fail(_ messages: [String]) -> Never {
    for message in messages { print(message) }
    fflush(nil)
    abort()
}

private let target = getenv("FUZZ_TARGET").flatMap { FuzzTarget(rawValue: String(cString: $0)) }
