// The requests of vercel.so beside those of the official SDK for the same work, field by field. Not compared: a command's
// kill, which ours asks for only in the moment between sending a command and its first line.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Sandbox, Snapshot } from '@vercel/sandbox';
import { berth, differences, judge } from './compare.mjs';
import { startStandIn } from './stand_in.mjs';

let standIn;
let folder;
before(async () => {
    standIn = await startStandIn();
    folder = mkdtempSync(join(tmpdir(), 'berth-compare-'));
    const { api_url, team_id, project_id } = standIn.about;
    const config = `api_url: ${api_url}, team_id: ${team_id}, project_id: ${project_id}`;
    writeFileSync(join(folder, 'berth.yaml'), `version: 1
select: { default: plain }
providers:
  plain: { plugin: vercel, config: { ${config} } }
  full:
    plugin: vercel
    config: { ${config}, runtime: node24, vcpus: 4, region: sfo1, max_duration: 120, ports: [3000], snapshot_expiration_days: 1 }
`);
    writeFileSync(join(folder, 'file.txt'), 'text');
});
after(async () => {
    await standIn.end();
    rmSync(folder, { recursive: true });
});

const ours = (...words) => berth(join(folder, 'berth.yaml'), { HOME: folder, VERCEL_TOKEN: standIn.about.token }, words);
const headers = ['accept', 'content-type', 'x-cwd'];

function template(request) {
    const parts = request.path.replace(/^\/api/, '').split('/');
    const named = { sandboxes: '{name}', sessions: '{session}', cmd: '{command}', snapshots: '{snapshot}' };
    return `${request.method} ${parts.map((part, index) =>
        (named[parts[index - 1]] && !named[part] ? named[parts[index - 1]] : part)).join('/')}`;
}

/// Ids are made anew by everybody.
function same(value, field) {
    if (field === 'body.name' || field === 'query.name') return typeof value;
    if (/^body\.(currentSnapshotId|source\.snapshotId)$/.test(field)) return typeof value;
    return value;
}

async function recorded(work) {
    await standIn.forgetRequests();
    const result = await work();
    return { result, requests: await standIn.allRequests() };
}

const found = [];
async function compare(operation, theirs, mine) {
    const [official, own] = [await recorded(theirs), await recorded(mine)];
    for (const one of differences(official.requests, own.requests, { template, headers, same })) {
        found.push({ operation, ...one });
    }
    return [official.result, own.result];
}

const intended = [
    { operation: /^create/, field: / body\.tags\.berth(-key|-run|-labels)?$/,
        why: 'the mark by which list and get know our own, and what another machine needs to know of the sandbox' },
    { operation: 'create', field: /v3.* body\.name$/,
        why: 'a name of our own choosing, so that a create whose answer was lost is found again and not made twice' },
    { operation: 'create', field: / body\.(persistent|snapshotExpiration)$/,
        why: 'what is kept and billed after a stop is said on purpose, not left to a default that may change' },
    { operation: 'create with everything', field: / body\.env\.A$/,
        why: 'an environment cannot be read back and is limited to 4096 bytes here: ours goes with each command' },
    { operation: 'create with everything', field: / body\.tags\.team$/,
        why: 'labels go together into one of the five tags, whatever their number (berth-labels)' },
    { operation: 'list', field: / query\.(sortBy|sortOrder)$/,
        why: 'oldest first, so that a sandbox made while pages are read does not shift the others' },
    { operation: /^command/, field: / body\.args\.[12]$/,
        why: 'the program runs in a wrapper: exact bytes, process id, group kill, 126 and 127, a checked directory' },
    { operation: /^command/, field: / body\.env(\.BERTH_SCRIPT)?$/,
        why: 'the wrapper goes as a variable, which Vercel does not send back in its answers as it does the words' },
    { operation: 'command', field: / body\.timeout$/,
        why: 'the wrapper ends it in time; theirs is only the net below, after our grace' },
    { operation: 'command whose stream breaks off', field: / body\.(logs|wait)$/,
        why: 'ours follows the output in the same request; the SDK only has logs to follow for a detached command' },
    { operation: /^file/, field: 'GET /v2/sandboxes/{name}',
        why: 'the session that runs now is asked for first: a resume is never caused by copying' },
    { operation: 'files in', field: /fs\/write body$/,
        why: 'into a private place first, so that each file appears whole or not at all' },
    { operation: /^file/, field: 'POST /v2/sandboxes/sessions/{session}/cmd',
        why: 'moves what was written into its place; looks at what is to be read: directories, links, sizes' },
    { operation: 'snapshot restore', field: 'POST /v2/sandboxes/sessions/{session}/stop',
        why: 'a snapshot of the present files stops it, and is there if the restore fails' },
    { operation: 'snapshot restore', field: /^(POST|DELETE) \/v2\/sandboxes\/(sessions\/{session}\/snapshot|snapshots\/{snapshot})$/,
        why: 'the files before the restore are kept until it has succeeded, and then removed' },
    { operation: 'snapshot restore', field: 'GET /v2/sandboxes/snapshots/{snapshot}',
        why: 'a snapshot that is gone is refused before anything is stopped' },
    { operation: 'snapshot rm', field: 'GET /v2/sandboxes/{name}',
        why: 'only snapshots of sandboxes that this provider made may be deleted' },
    { operation: 'rm', field: 'GET /v2/sandboxes/{name}', why: 'only what this provider made may be destroyed' },
    { operation: 'rm', field: /deleteOrphanSnapshots$|^GET \/v2\/sandboxes\/snapshots$|^DELETE \/v2\/sandboxes\/snapshots/,
        why: 'snapshots that the user made outlive the sandbox by contract: only the others are deleted, one by one' },
];

test('vercel.so sends what the official SDK sends, but for what is listed with its reason', async () => {
    const { access } = standIn;
    const [theirs, mine] = await compare('create', () => Sandbox.create(access), () => ours('create'));
    const [theirFull, myFull] = await compare('create with everything',
        () => Sandbox.create({ ...access, name: 'full', runtime: 'node24', resources: { vcpus: 4 }, region: 'sfo1',
            timeout: 120000, ports: [3000], env: { A: '1' }, networkPolicy: 'deny-all', persistent: true,
            tags: { team: 'x' }, snapshotExpiration: 86400000 }),
        () => ours('create', '--provider', 'full', '-e', 'A=1', '--network', 'none', '--label', 'team=x'));
    await compare('get', () => Sandbox.get({ ...access, name: theirs.name }), () => ours('inspect', mine));
    await compare('list', async () => (await Sandbox.list({ ...access, limit: 50, tags: { berth: 'full' } })).toArray(),
        () => ours('ls', '--provider', 'full'));
    await compare('command', () => theirs.runCommand({ cmd: 'sh', args: ['-c', 'echo x'], env: { B: '2' }, timeoutMs: 5000 }),
        () => ours('exec', '-e', 'B=2', '--timeout', '5s', mine, '--', 'sh', '-c', 'echo x'));
    await compare('command whose stream breaks off', async () => {
        const command = await theirs.runCommand({ cmd: 'sh', args: ['-c', 'echo x'], detached: true });
        await (await theirs.getCommand(command.cmdId)).stdout();
    }, async () => {
        await standIn.fault('POST', '/v2/sandboxes/sessions/*/cmd', { lines: { after: 2, then: 'close' } });
        await ours('exec', mine, '--', 'echo', 'x');
    });
    await compare('files in', () => theirs.writeFiles([{ path: '/vercel/file.txt', content: 'text' }]),
        () => ours('cp', join(folder, 'file.txt'), `${mine}:/vercel/file.txt`));
    await compare('file out', () => theirs.readFileToBuffer({ path: '/vercel/file.txt' }),
        () => ours('cp', `${mine}:/vercel/file.txt`, join(folder, 'got.txt')));
    await compare('restart', async () => {
        await theirs.stop();
        await Sandbox.get({ ...access, name: theirs.name, resume: true });
    }, () => ours('restart', mine));
    const [snapshot, mySnapshot] = await compare('snapshot create', () => theirs.snapshot({ expiration: 0 }),
        () => ours('snapshot', 'create', mine, 'one'));
    await compare('snapshot ls', async () => (await Snapshot.list(access)).toArray(), () => ours('snapshot', 'ls'));
    await theirs.runCommand('true');  // a snapshot stops; this resumes
    await compare('snapshot restore', async () => {
        await theirs.stop();
        await theirs.update({ currentSnapshotId: snapshot.snapshotId });
        await Sandbox.get({ ...access, name: theirs.name, resume: true });
    }, () => ours('snapshot', 'restore', mine, mySnapshot.split(/\s/)[0]));
    await compare('snapshot rm', async () => (await Snapshot.get({ ...access, snapshotId: snapshot.snapshotId })).delete(),
        () => ours('snapshot', 'rm', mySnapshot.split(/\s/)[0]));
    await compare('rm', () => theirs.delete({ deleteOrphanSnapshots: true }), () => ours('rm', mine));
    assert.ok(theirFull && myFull);
    if (process.env.BERTH_SHOW_DIFFERENCES) for (const one of found) console.log(JSON.stringify(one));
    judge(found, intended);
});
