package import NodeModel

extension VendorProber {
    /// Reads the MIG layout of all GPUs, and what they can have.
    ///
    /// - Returns: The layout; absent when the host has no NVML.
    package func migInventory() async -> Reading<MIGInventory> {
        let deadline = deadlines.nvml
        return await asking { $0.ask(.mig, about: "MIG", within: deadline) }
    }

    /// Changes the MIG layout of one GPU.
    ///
    /// - Returns: How far the change came; unreadable when the child process did not tell, for example because a call
    ///   did not return. The GPU can have any part of the new layout then.
    package func make(_ change: MIGChange) async -> Reading<MIGChangeResult> {
        let deadline = deadlines.migChange
        return await asking { exchange in
            var exchange = exchange
            exchange.change = change
            return exchange.ask(.migChange, about: "the change of MIG", within: deadline)
        }
    }

    private func asking<Value>(
        _ ask: @escaping @Sendable (VendorExchange) -> Reading<Value>
    ) async -> Reading<Value> {
        guard let path = libraries.nvml else { return .absent }
        let answer = await exchanging { exchange in
            var exchange = exchange
            exchange.arguments += ["--nvml", path]
            return ask(exchange)
        }
        switch answer {
        case .success(let reading): return reading
        case .failure(let failure): return .unreadable(failure)
        }
    }
}
