// A station made with npm `ocpp-rpc` that does what its input says, one step a line:
//
//     puppet.js ocpp2.1 ws://127.0.0.1:9000/ CS-1
//
//     {"do": "call", "action": "Heartbeat", "payload": {}}     says "result" or "error"
//     {"do": "answer", "action": "Reset", "payload": {…}}      says "answers", from then on; null keeps whoever asks waiting
//     {"do": "raw", "text": "[6,…]"}                           as it is; nothing answers it
//     {"do": "get", "url": "http://…"}                         says "got"
//     {"do": "put", "url": "http://…", "body": "…"}            says "put"
//
// What is asked of it is said as "called" once it is answered. Every word of both sides is checked against the official
// schemas; a wrong one ends the script. The end of its input asks it to leave.

const readline = require('node:readline');
const { createRPCError } = require('ocpp-rpc');
const { fail, strictStation } = require('./strict.js');

const [protocol, url, identity] = process.argv.slice(2);
const station = strictStation(protocol, url, identity);
const say = (event, facts) => console.log(JSON.stringify({ event, ...facts }));

/** What it answers, by action, and who waits for that. */
const answers = new Map();
const waiting = new Map();

station.handle(async ({ method, params }) => {
    if (!answers.has(method)) throw createRPCError('NotSupported', `no ${method} here`);
    const payload = answers.get(method) ?? (await new Promise((resolve) => waiting.set(method, resolve)));
    // After the answer is on its way.
    setImmediate(() => say('called', { action: method, payload: params }));
    return payload;
});

const steps = {
    async call({ action, payload }) {
        try {
            say('result', { payload: await station.call(action, payload) });
        } catch (error) {
            if (!error.rpcErrorCode) fail(action, error);
            say('error', { code: error.rpcErrorCode, description: error.message });
        }
    },
    answer({ action, payload }) {
        answers.set(action, payload);
        waiting.get(action)?.(payload);
        waiting.delete(action);
        say('answers', { action });
    },
    raw({ text }) {
        station.sendRaw(text);
    },
    async get({ url }) {
        const response = await fetch(url);
        say('got', { status: response.status, body: await response.text() });
    },
    async put({ url, body }) {
        const response = await fetch(url, { method: 'PUT', body });
        say('put', { status: response.status, body: await response.text() });
    },
};

async function main() {
    await station.connect();
    say('connected', { protocol: station.protocol });
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const step = JSON.parse(line);
        await steps[step.do](step);
    }
    await station.close();
}

main().then(() => process.exit(0), (error) => fail('the flow broke off:', error));
