extension KeyedDecodingContainer {
    /// Decodes a reading, also from a document of an earlier version that did not have it.
    ///
    /// This is the one rule for all facts: what a document does not mention was not recorded, which is neither "not
    /// there" nor "not readable". The compiler's own `init(from:)` of every type of facts calls this overload.
    package func decode<Value>(_ type: Reading<Value>.Type, forKey key: Key) throws -> Reading<Value> {
        try decodeIfPresent(type, forKey: key) ?? .skipped(Reading<Value>.notRecorded)
    }
}

extension Reading {
    /// Why a reading of an earlier version's document is not known.
    package static var notRecorded: String { "not recorded by the agent that wrote the file" }
}
