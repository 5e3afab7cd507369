import NIOCore
import Synchronization

/// The open connections of a server that serves a limited number at a time.
///
/// A full server closes one of them for each new connection. It does not stop accepting: a client that holds connections
/// without a request would then keep out the kubelet, which restarts the pod when its probes get no answer.
struct OpenConnections<ID: Hashable> {
    private struct Connection {
        var peer: String?
        /// The number of its last use: when it was opened, or when its last request arrived.
        var lastUse: Int
    }

    /// How many connections may be open.
    let limit: Int
    private var connections: [ID: Connection] = [:]
    private var uses = 0

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { connections.count }

    /// Adds a connection and returns the one to close for it; nil while there is room.
    ///
    /// The peer with the most connections loses one, so that a peer with many does not push out the others. Of its
    /// connections, it loses the one that has been without a request for longest.
    mutating func open(_ id: ID, peer: String?) -> ID? {
        connections[id] = Connection(peer: peer, lastUse: nextUse())
        guard connections.count > limit else { return nil }
        var counts: [String?: Int] = [:]
        for connection in connections.values { counts[connection.peer, default: 0] += 1 }
        let most = counts.values.max()
        let loser = connections.filter { $0.key != id && counts[$0.value.peer] == most }
            .min { $0.value.lastUse < $1.value.lastUse }?.key
        if let loser { connections[loser] = nil }
        return loser
    }

    /// Notes that a request or a part of its body arrived.
    mutating func use(_ id: ID) {
        let use = nextUse()
        connections[id]?.lastUse = use
    }

    mutating func close(_ id: ID) { connections[id] = nil }

    private mutating func nextUse() -> Int {
        uses += 1
        return uses
    }
}

/// Closes connections of a server so that there is always room for a new one.
final class ConnectionRoom: Sendable {
    private struct State {
        var open: OpenConnections<ObjectIdentifier>
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    private let state: Mutex<State>

    init(limit: Int) {
        state = Mutex(State(open: OpenConnections(limit: limit)))
    }

    /// Returns the handler for one connection.
    ///
    /// It belongs behind the HTTP decoder: a request whose head is not complete does not reach it, and counts as none.
    func handler() -> some ChannelInboundHandler & RemovableChannelHandler { ConnectionHandler(room: self) }

    fileprivate func open(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let loser = state.withLock { state in
            state.channels[id] = channel
            return state.open.open(id, peer: channel.remoteAddress?.ipAddress).flatMap { state.channels[$0] }
        }
        loser?.close(promise: nil)
    }

    fileprivate func use(_ channel: any Channel) {
        state.withLock { $0.open.use(ObjectIdentifier(channel)) }
    }

    fileprivate func close(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        state.withLock { state in
            state.open.close(id)
            state.channels[id] = nil
        }
    }
}

private final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any
    typealias InboundOut = Any

    private let room: ConnectionRoom

    init(room: ConnectionRoom) {
        self.room = room
    }

    func channelActive(context: ChannelHandlerContext) {
        room.open(context.channel)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        room.use(context.channel)
        context.fireChannelRead(data)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        room.close(context.channel)
    }
}
