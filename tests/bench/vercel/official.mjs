// The official client as one side of a comparison: each line on stdin is one step, answered with the microseconds it took.
// official.mjs turn|flight|upload|download COUNT, or `official.mjs get` and `official.mjs list`, which are whole programs.
// The stand-in's address, credentials and sandbox come in BERTH_BENCH_VERCEL.
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Sandbox } from '@vercel/sandbox';

const about = JSON.parse(process.env.BERTH_BENCH_VERCEL);
const official = 'https://vercel.com/api';
const access = {
    token: about.token, teamId: about.team_id, projectId: about.project_id,
    fetch: (address, options) => fetch(about.api_url + String(address).slice(official.length), options),
};
const [what, text] = process.argv.slice(2);
const count = Number(text);

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
const steps = {
    turn: async () => { for (let index = 0; index < count; ++index) await one(); },
    flight: async () => {
        let begun = 0;
        const worker = async () => { while (begun++ < count) await one(); };
        await Promise.all(Array.from({ length: 100 }, worker));
    },
    upload: async () => { await sandbox.writeFiles([{ path: 'official.bin', content }]); },
    download: async () => {
        const read = await sandbox.readFileToBuffer({ path: 'download.bin' });
        if (read.length !== count) throw new Error(`${read.length} bytes came`);
    },
};
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
    const start = process.hrtime.bigint();
    await steps[what]();
    console.log((Number(process.hrtime.bigint() - start) / 1000).toFixed(1));
}
