// A 1.6 server made with npm `ocpp-rpc` in strict mode: it checks every message, both ways, against the schemas.
//
// It prints its address, answers what a charging station sends, and serves until it is killed.

const { RPCServer } = require('ocpp-rpc');

const server = new RPCServer({ protocols: ['ocpp1.6'], strictMode: true, pingIntervalMs: 3_600_000 });
server.auth((accept) => accept());

let transactions = 0;
server.on('client', (client) => {
    client.handle('BootNotification', () => ({
        status: 'Accepted',
        interval: 300,
        currentTime: new Date().toISOString(),
    }));
    client.handle('Heartbeat', () => ({ currentTime: new Date().toISOString() }));
    client.handle('StartTransaction', () => {
        transactions += 1;
        return { transactionId: transactions, idTagInfo: { status: 'Accepted' } };
    });
    client.handle('MeterValues', () => ({}));
});

server.listen(0, '127.0.0.1').then((listener) => {
    const { address, port } = listener.address();
    console.log(`${address}:${port}`);
});
