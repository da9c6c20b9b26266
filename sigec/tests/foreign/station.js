// An OCPP 1.6, 2.0.1 or 2.1 station made with npm `ocpp-rpc`: it charges once by itself, then obeys until its input closes.
//
//     station.js ocpp2.0.1 ws://127.0.0.1:9000/ CS-1
//
// Every step is one line of JSON on standard output.

const { randomUUID } = require('node:crypto');
const { fail, strictStation } = require('./strict.js');

const [protocol, url, identity] = process.argv.slice(2);
const station = strictStation(protocol, url, identity);

const say = (event, facts) => console.log(JSON.stringify({ event, ...facts }));
const now = () => new Date().toISOString();

/** Answers `method` with what `answer` returns, then does what follows from it. */
function on(method, answer, then = () => {}) {
    station.handle(method, ({ params }) => {
        const result = answer(params);
        // After the answer is on its way.
        setImmediate(() => Promise.resolve(then(params)).catch((error) => fail(method, error)));
        return result;
    });
}

/** What both dialects have in common. */
class Charge {
    registerWh = 5_000;
    transaction = null;

    async measure(addedWh) {
        this.registerWh += addedWh;
        await this.sample();
        say('measured', { energy_wh: this.registerWh });
    }
}

class Station16 extends Charge {
    settings = { HeartbeatInterval: '300', MeterValueSampleInterval: '60' };

    async boot() {
        const answer = await station.call('BootNotification', {
            chargePointModel: 'Wall 1',
            chargePointVendor: 'Foreign',
            firmwareVersion: '1.0',
        });
        say('booted', { status: answer.status, interval: answer.interval });
        await this.status('Available');
    }

    async status(status) {
        await station.call('StatusNotification', { connectorId: 1, errorCode: 'NoError', status, timestamp: now() });
    }

    async begin(idTag) {
        const { idTagInfo } = await station.call('Authorize', { idTag });
        const started = await station.call('StartTransaction', {
            connectorId: 1,
            idTag,
            meterStart: this.registerWh,
            timestamp: now(),
        });
        this.transaction = started.transactionId;
        say('started', {
            transaction_id: this.transaction,
            authorized: idTagInfo.status,
            status: started.idTagInfo.status,
        });
        await this.status('Charging');
    }

    async sample() {
        const sampledValue = [
            { value: String(this.registerWh), measurand: 'Energy.Active.Import.Register', unit: 'Wh' },
            { value: '7360.5', measurand: 'Power.Active.Import', unit: 'W' },
            { value: '54', measurand: 'SoC', unit: 'Percent' },
        ];
        await station.call('MeterValues', {
            connectorId: 1,
            transactionId: this.transaction,
            meterValue: [{ timestamp: now(), sampledValue }],
        });
    }

    async end(reason) {
        const transactionId = this.transaction;
        this.transaction = null;
        await station.call('StopTransaction', { transactionId, meterStop: this.registerWh, timestamp: now(), reason });
        say('stopped', { transaction_id: transactionId, meter_stop: this.registerWh });
        await this.status('Available');
    }

    obey() {
        on(
            'RemoteStartTransaction',
            ({ idTag }) => {
                say('called', { action: 'RemoteStartTransaction', id_tag: idTag });
                return { status: this.transaction === null ? 'Accepted' : 'Rejected' };
            },
            ({ idTag }) => (this.transaction === null ? this.begin(idTag) : undefined),
        );
        on(
            'RemoteStopTransaction',
            ({ transactionId }) => {
                say('called', { action: 'RemoteStopTransaction', transaction_id: transactionId });
                return { status: transactionId === this.transaction ? 'Accepted' : 'Rejected' };
            },
            async ({ transactionId }) => {
                if (transactionId !== this.transaction) return;
                await this.measure(900);
                await this.end('Remote');
            },
        );
        on('GetConfiguration', ({ key }) => ({
            configurationKey: Object.entries(this.settings)
                .filter(([name]) => !key || key.includes(name))
                .map(([name, value]) => ({ key: name, readonly: false, value })),
            unknownKey: (key ?? []).filter((name) => !(name in this.settings)),
        }));
        on('ChangeConfiguration', ({ key, value }) => {
            if (!(key in this.settings)) return { status: 'NotSupported' };
            this.settings[key] = value;
            return { status: 'Accepted' };
        });
        on('UnlockConnector', () => ({ status: 'Unlocked' }));
    }
}

class Station2x extends Charge {
    variables = new Map([['OCPPCommCtrlr.HeartbeatInterval', '300']]);
    seqNo = 0;

    async boot() {
        const answer = await station.call('BootNotification', {
            chargingStation: { model: 'Post 2', vendorName: 'Foreign' },
            reason: 'PowerUp',
        });
        say('booted', { status: answer.status, interval: answer.interval });
        await this.status('Available');
    }

    async status(connectorStatus) {
        await station.call('StatusNotification', { timestamp: now(), connectorStatus, evseId: 1, connectorId: 1 });
    }

    async event(eventType, triggerReason, info = {}, more = {}) {
        const sampledValue = [
            { value: this.registerWh, measurand: 'Energy.Active.Import.Register', unitOfMeasure: { unit: 'Wh' } },
            { value: 11_000.25, measurand: 'Power.Active.Import', unitOfMeasure: { unit: 'W' } },
        ];
        const answer = await station.call('TransactionEvent', {
            eventType,
            timestamp: now(),
            triggerReason,
            seqNo: this.seqNo,
            transactionInfo: { transactionId: this.transaction, ...info },
            evse: { id: 1, connectorId: 1 },
            meterValue: [{ timestamp: now(), sampledValue }],
            ...more,
        });
        this.seqNo += 1;
        return answer;
    }

    async begin(token, remoteStartId) {
        this.transaction = randomUUID();
        this.seqNo = 0;
        const idToken = { idToken: token, type: 'ISO14443' };
        const { idTokenInfo } = await station.call('Authorize', { idToken });
        await this.status('Occupied');
        const remote = remoteStartId !== undefined;
        const answer = await this.event(
            'Started',
            remote ? 'RemoteStart' : 'Authorized',
            remote ? { remoteStartId } : {},
            { idToken },
        );
        say('started', {
            transaction_id: this.transaction,
            authorized: idTokenInfo.status,
            status: answer.idTokenInfo?.status,
        });
    }

    async sample() {
        await this.event('Updated', 'MeterValuePeriodic', { chargingState: 'Charging' });
    }

    async end(stoppedReason) {
        await this.event('Ended', stoppedReason === 'Remote' ? 'RemoteStop' : 'StopAuthorized', { stoppedReason });
        say('stopped', { transaction_id: this.transaction, meter_stop: this.registerWh });
        this.transaction = null;
        await this.status('Available');
    }

    obey() {
        on(
            'RequestStartTransaction',
            ({ idToken }) => {
                say('called', { action: 'RequestStartTransaction', id_token: idToken.idToken });
                return { status: this.transaction === null ? 'Accepted' : 'Rejected' };
            },
            ({ idToken, remoteStartId }) =>
                this.transaction === null ? this.begin(idToken.idToken, remoteStartId) : undefined,
        );
        on(
            'RequestStopTransaction',
            ({ transactionId }) => {
                say('called', { action: 'RequestStopTransaction', transaction_id: transactionId });
                return { status: transactionId === this.transaction ? 'Accepted' : 'Rejected' };
            },
            async ({ transactionId }) => {
                if (transactionId !== this.transaction) return;
                await this.measure(900);
                await this.end('Remote');
            },
        );
        const name = ({ component, variable }) => `${component.name}.${variable.name}`;
        on('GetVariables', ({ getVariableData }) => ({
            getVariableResult: getVariableData.map(({ component, variable }) => {
                const attributeValue = this.variables.get(name({ component, variable }));
                if (attributeValue === undefined) return { attributeStatus: 'UnknownVariable', component, variable };
                return { attributeStatus: 'Accepted', attributeValue, component, variable };
            }),
        }));
        on('SetVariables', ({ setVariableData }) => ({
            setVariableResult: setVariableData.map(({ component, variable, attributeValue }) => {
                const known = this.variables.has(name({ component, variable }));
                if (known) this.variables.set(name({ component, variable }), attributeValue);
                return { attributeStatus: known ? 'Accepted' : 'UnknownVariable', component, variable };
            }),
        }));
        on('UnlockConnector', () => ({ status: 'Unlocked' }));
    }
}

async function main() {
    const mine = protocol === 'ocpp1.6' ? new Station16() : new Station2x();
    mine.obey();
    on('Reset', ({ type }) => {
        say('called', { action: 'Reset', type });
        return { status: 'Accepted' };
    });
    await station.connect();
    await mine.boot();
    await mine.begin('TAG-1');
    for (let step = 0; step < 3; step += 1) {
        await mine.measure(250);
    }
    await mine.end('Local');
    say('idle');
    for await (const _ of process.stdin) {
        // Nothing is said to it; the end of its input asks it to leave.
    }
    await station.close();
}

main().then(() => process.exit(0), (error) => fail('the flow broke off:', error));
