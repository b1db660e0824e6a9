// Daytona's official client as one side of a comparison, or, with `get` and `list`, as a whole program. See turns.mjs.
// `both streams` runs each command in a session of its own, as its only way to keep stdout and stderr apart.
import { randomBytes } from 'node:crypto';
import { Daytona } from '@daytonaio/sdk';
import { about, count, expectBytes, inFlight, inTurn, serve, what } from './turns.mjs';

// Its socket for events would be one more connection, of no use here.
const daytona = new Daytona({ apiKey: about.api_key, apiUrl: about.api_url, useDeprecatedPolling: true });
if (what === 'list') {
    let found = 0;
    for await (const _ of daytona.list()) ++found;
    process.exit(found > 0 ? 0 : 1);
}
const sandbox = await daytona.get(about.sandbox_there);
if (what === 'get') process.exit(0);

const expectZero = (exitCode) => {
    if (exitCode !== 0) throw new Error(`true ended with ${exitCode}`);
};
const one = async () => expectZero((await sandbox.process.executeCommand('true')).exitCode);
let last = 0;
const inSession = async () => {
    const { process } = sandbox;
    const name = `official-${++last}`;
    await process.createSession(name);
    const { cmdId } = await process.executeSessionCommand(name, { command: 'true', runAsync: true });
    await process.getSessionCommandLogs(name, cmdId, () => {}, () => {});
    expectZero((await process.getSessionCommand(name, cmdId)).exitCode);
    await process.deleteSession(name);
};
const content = what === 'upload' ? randomBytes(count) : null;
await serve({
    turn: () => inTurn(one),
    'both streams': () => inTurn(inSession),
    flight: () => inFlight(one),
    upload: () => sandbox.fs.uploadFile(content, 'official.bin'),
    download: async () => expectBytes((await sandbox.fs.downloadFile('download.bin')).length),
}[what]);
