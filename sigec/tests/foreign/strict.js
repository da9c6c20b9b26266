// A station of npm `ocpp-rpc` in strict mode: the library checks each message, both ways, against the official schemas. A
// wrong one, of the server or of the script, ends the script.

const { RPCClient, createRPCError, createValidator } = require('ocpp-rpc');

const FILES = { 'ocpp1.6': 'ocpp1_6', 'ocpp2.0.1': 'ocpp2_0_1', 'ocpp2.1': 'ocpp2_1' };

// Its compiler of schemas warns of `additionalProperties` beside each enumeration of 2.1.
const { warn } = console;
console.warn = (text, ...more) => String(text).startsWith('strict mode: ') || warn(text, ...more);

/** The schemas of a version; the library has those of 2.1 under other names than the ones that it looks for. */
function schemasOf(protocol) {
    return require(`ocpp-rpc/lib/schemas/${FILES[protocol]}.json`).map((schema) => ({
        ...schema,
        $id: schema.$id.replace(/Request$/, '.req').replace(/Response$/, '.conf'),
    }));
}

function fail(what, error) {
    console.error(what, error);
    process.exit(1);
}

/** A station that is to connect to `url` as `identity`, and refuses what nobody handles. */
function strictStation(protocol, url, identity) {
    const station = new RPCClient({
        endpoint: url.replace(/\/$/, ''),
        identity,
        protocols: [protocol],
        strictMode: true,
        strictModeValidators: [createValidator(protocol, schemasOf(protocol))],
        reconnect: false,
    });
    station.on('strictValidationFailure', ({ outbound, isCall, method, params, result, error }) => {
        const direction = outbound ? 'of this station' : 'of the server';
        fail(`${isCall ? 'a call' : 'an answer'} ${direction} breaks the schema of ${method}:`, { params, result, error });
    });
    station.on('badMessage', (event) => fail('no OCPP-J message:', event));
    station.handle(({ method }) => {
        throw createRPCError('NotSupported', `no ${method} here`);
    });
    return station;
}

module.exports = { fail, schemasOf, strictStation };
