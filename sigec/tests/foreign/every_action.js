// A station made with npm `ocpp-rpc` that says everything its version knows: each action twice, once with the least that
// its schema asks for and once with all that it allows, also those that only a server may say. Then it proposes what to
// ask of it, the same way, and answers whatever is asked until its input closes.
//
//     every_action.js ocpp2.0.1 ws://127.0.0.1:9000/ CS-1
//
// Every answer, and every proposal, is one line of JSON on standard output.

const { fail, schemasOf, strictStation } = require('./strict.js');

const [protocol, url, identity] = process.argv.slice(2);
const station = strictStation(protocol, url, identity);

/** A value that follows `schema`: with what must be there, or with everything but custom data. */
function instance(root, schema, full) {
    if (schema.$ref) {
        return instance(root, schema.$ref.slice(2).split('/').reduce((at, name) => at[name], root), full);
    }
    if (schema.enum) return schema.enum[0];
    const type = schema.type ?? 'object';
    if (type === 'object') {
        const names = Object.keys(schema.properties ?? {});
        const there = names.filter((name) => schema.required?.includes(name) || (full && name !== 'customData'));
        return Object.fromEntries(there.map((name) => [name, instance(root, schema.properties[name], full)]));
    }
    if (type === 'array') {
        const items = schema.items ?? {};
        return Array.from({ length: schema.minItems ?? 1 }, () => instance(root, items, full));
    }
    if (type === 'string') {
        if (schema.format === 'date-time') return new Date().toISOString();
        if (schema.format === 'uri') return 'https://example.com/';
        return 'x'.repeat(full ? Math.min(schema.maxLength ?? 20, 20) : 1);
    }
    if (type === 'boolean') return true;
    return Math.min(schema.maximum ?? Infinity, Math.max(schema.minimum ?? 1, 1));
}

const schemas = schemasOf(protocol);
const requests = schemas.filter(({ $id }) => $id.endsWith('.req'));
const actionOf = ({ $id }) => $id.slice('urn:'.length, -'.req'.length);
const say = (event, facts) => console.log(JSON.stringify({ event, ...facts }));

/** Says an action both ways; what became of each. */
async function sayBoth(schema) {
    const answers = [];
    for (const full of [false, true]) {
        const call = station.call(actionOf(schema), instance(schema, schema, full));
        answers.push(
            await call.then(
                () => 'answered',
                (error) => error.rpcErrorCode ?? fail(actionOf(schema), error),
            ),
        );
    }
    return answers;
}

async function main() {
    let answered = 0;
    station.handle(({ method }) => {
        const schema = schemas.find(({ $id }) => $id === `urn:${method}.conf`);
        answered += 1;
        return instance(schema, schema, answered % 2 === 0);
    });
    await station.connect();
    // A station boots before it says anything else.
    const boots = (schema) => actionOf(schema) === 'BootNotification';
    const notMine = [];
    for (const schema of [...requests.filter(boots), ...requests.filter((schema) => !boots(schema))]) {
        const answers = await sayBoth(schema);
        if (answers.includes('NotSupported')) notMine.push(schema);
        say('said', { action: actionOf(schema), answers });
    }
    for (const schema of notMine) {
        for (const full of [false, true]) {
            say('ask', { action: actionOf(schema), payload: instance(schema, schema, full) });
        }
    }
    say('idle');
    for await (const _ of process.stdin) {
        // Nothing is said to it; the end of its input asks it to leave.
    }
    await station.close();
}

main().then(() => process.exit(0), (error) => fail('the flow broke off:', error));
