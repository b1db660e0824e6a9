// Vercel's official client as one side of a comparison, or, with `get` and `list`, as a whole program. See turns.mjs.
import { randomBytes } from 'node:crypto';
import { Sandbox } from '@vercel/sandbox';
import { about, count, expectBytes, inFlight, inTurn, serve, what } from './turns.mjs';

const official = 'https://vercel.com/api';
const access = {
    token: about.token, teamId: about.team_id, projectId: about.project_id,
    fetch: (address, options) => fetch(about.api_url + String(address).slice(official.length), options),
};

if (what === 'list') {
    await Sandbox.list(access);
    process.exit(0);
}
const sandbox = await Sandbox.get({ ...access, name: about.sandbox });
if (what === 'get') process.exit(0);

const one = async () => {
    const done = await sandbox.runCommand('true');
    if (done.exitCode !== 0) throw new Error(`true ended with ${done.exitCode}`);
};
const content = what === 'upload' ? randomBytes(count) : null;
await serve({
    turn: () => inTurn(one),
    flight: () => inFlight(one),
    upload: () => sandbox.writeFiles([{ path: 'official.bin', content }]),
    download: async () => expectBytes((await sandbox.readFileToBuffer({ path: 'download.bin' })).length),
}[what]);
