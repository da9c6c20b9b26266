// A WebSocket server made with Bun, whose server is uWebSockets: it reads the message and answers it.
//
// It prints its address, answers a Heartbeat with its time, and anything else alike, until it is killed.

const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request, server) {
        const headers = { 'Sec-WebSocket-Protocol': 'ocpp1.6' };
        if (server.upgrade(request, { headers })) return undefined;
        return new Response('expected a WebSocket', { status: 400 });
    },
    websocket: {
        perMessageDeflate: false,
        message(socket, text) {
            const [type, id] = JSON.parse(text);
            if (type === 2) {
                socket.send(`[3,"${id}",{"currentTime":"2026-11-22T10:41:49.123Z"}]`);
            }
        },
    },
});
console.log(`127.0.0.1:${server.port}`);
