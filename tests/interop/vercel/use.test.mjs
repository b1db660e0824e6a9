// The official SDK used as its users do, against the stand-in: everything succeeds, and means what it should.
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { Sandbox, Session, Snapshot } from '@vercel/sandbox';
import { startStandIn } from './stand_in.mjs';

let standIn;
before(async () => { standIn = await startStandIn(); });
after(async () => { await standIn.end(); });

const create = (more = {}) => Sandbox.create({ ...standIn.access, ...more });

function kept() {
    const pieces = [];
    const into = new Writable({ write(piece, _, done) { pieces.push(piece); done(); } });
    return { into, text: () => Buffer.concat(pieces.map((piece) => Buffer.from(piece))).toString() };
}

test('a sandbox is made with all its settings, got, updated and deleted', async () => {
    const sandbox = await create({
        name: 'settings', ports: [3000], timeout: 120000, resources: { vcpus: 4 }, env: { A: '1' }, persistent: true,
        tags: { team: 'x' }, snapshotExpiration: 86400000, keepLastSnapshots: { count: 3 }, region: 'sfo1',
        failoverRegions: ['fra1'], networkPolicy: 'deny-all',
    });
    assert.equal(sandbox.name, 'settings');
    assert.equal(sandbox.vcpus, 4);
    assert.equal(sandbox.memory, 8192);
    assert.equal(sandbox.region, 'sfo1');
    assert.equal(sandbox.status, 'running');
    assert.match(sandbox.domain(3000), /^https:\/\/sb-.*\.vercel\.run$/);

    const same = await Sandbox.get({ ...standIn.access, name: 'settings' });
    assert.equal(same.timeout, 120000);
    assert.deepEqual(same.tags, { team: 'x' });
    await same.update({
        timeout: 240000, tags: { team: 'y' }, ports: [3000, 4000], resources: { vcpus: 2 }, persistent: false,
        networkPolicy: { allow: { 'example.com': [{ transform: [{ headers: { 'x-a': 'b' } }] }] } }, keepLastSnapshots: null,
    });
    assert.deepEqual(same.tags, { team: 'y' });
    assert.equal(same.persistent, false);
    assert.equal((await standIn.requests('POST', '/extend-timeout'))[0].json.duration, 120000);
    assert.equal((await standIn.requests('POST', '/network-policy')).length, 1);

    await same.delete();
    await assert.rejects(Sandbox.get({ ...standIn.access, name: 'settings' }), (error) => error.response.status === 404);
});

test('a runtime is made on v2 and everything else on v3', async () => {
    const [old, now] = [await create({ runtime: 'node24' }), await create()];
    assert.equal(old.runtime, 'node24');
    assert.equal((await old.runCommand('pwd')).exitCode, 0);
    assert.equal((await (await old.runCommand('pwd')).stdout()).trim(), '/vercel/sandbox');
    assert.equal((await (await now.runCommand('pwd')).stdout()).trim(), '/vercel');
    await old.delete();
    await now.delete();
});

test('get or create makes one and finds it again', async () => {
    const first = await Sandbox.getOrCreate({ ...standIn.access, name: 'either' });
    const second = await Sandbox.getOrCreate({ ...standIn.access, name: 'either' });
    assert.equal(first.currentSession().sessionId, second.currentSession().sessionId);
    await second.delete();
});

test('a blocking command gives exit code, both streams, and writes into streams', async () => {
    const sandbox = await create();
    const [out, err] = [kept(), kept()];
    const done = await sandbox.runCommand({
        cmd: 'sh', args: ['-c', 'echo "$A $B"; pwd; echo err >&2; exit 3'], env: { B: 'two' }, cwd: '/tmp',
        stdout: out.into, stderr: err.into,
    });
    assert.equal(done.exitCode, 3);
    assert.equal(await done.stdout(), ' two\n/tmp\n');
    assert.equal(await done.stderr(), 'err\n');
    assert.equal(out.text(), ' two\n/tmp\n');
    assert.equal(err.text(), 'err\n');
    const root = await sandbox.runCommand({ cmd: 'id', args: ['-u'], sudo: true });
    assert.equal(await root.stdout(), '0\n');
    await sandbox.delete();
});

test('a detached command is followed, waited for, found again, and killed', async () => {
    const sandbox = await create();
    const command = await sandbox.runCommand({ cmd: 'sh', args: ['-c', 'echo one; echo two >&2; exit 5'], detached: true });
    assert.equal(command.exitCode, null);
    const seen = { stdout: '', stderr: '' };
    for await (const line of command.logs()) seen[line.stream] += line.data;
    assert.deepEqual(seen, { stdout: 'one\n', stderr: 'two\n' });
    assert.equal((await command.wait()).exitCode, 5);
    assert.equal(await command.stdout(), 'one\n');
    assert.equal((await sandbox.getCommand(command.cmdId)).exitCode, 5);

    const long = await sandbox.runCommand({ cmd: 'sleep', args: ['1000'], detached: true });
    await long.kill('SIGTERM');
    assert.equal((await long.wait()).exitCode, 143);
    const limited = await sandbox.runCommand({ cmd: 'sleep', args: ['1000'], timeoutMs: 100 });
    assert.equal(limited.exitCode, 137);
    await sandbox.delete();
});

test('an abort drops the connection and leaves the command running', async () => {
    const sandbox = await create();
    const abort = new AbortController();
    const out = kept();
    const running = sandbox.runCommand({
        cmd: 'sh', args: ['-c', 'mkfifo gate; echo begun; cat gate > result'], signal: abort.signal,
        stdout: new Writable({ write(piece, _, done) { out.into.write(piece); abort.abort(); done(); } }),
    });
    await assert.rejects(running, { name: 'AbortError' });
    const after = await sandbox.runCommand('sh', ['-c', 'echo alive > gate; until [ -s result ]; do :; done; cat result']);
    assert.equal(await after.stdout(), 'alive\n');
    await sandbox.delete();
});

test('files are written, read, listed and downloaded', async () => {
    const sandbox = await create();
    const bytes = Buffer.from(Array.from({ length: 70000 }, (_, index) => (index * 7) % 256));
    const deep = `${'d'.repeat(90)}/${'e'.repeat(90)}/file`;
    await sandbox.writeFiles([
        { path: 'relative.txt', content: 'text' },
        { path: './dots/../normal.txt', content: 'dots' },
        { path: '/tmp/absolute.sh', content: '#!/bin/sh\necho ran\n', mode: 0o755 },
        { path: 'bytes', content: bytes },
        { path: deep, content: 'deep' },
        { path: 'ümläut.txt', content: 'ü' },
    ]);
    assert.equal((await sandbox.readFileToBuffer({ path: 'relative.txt' })).toString(), 'text');
    assert.equal((await sandbox.readFileToBuffer({ path: 'normal.txt' })).toString(), 'dots');
    assert.deepEqual(await sandbox.readFileToBuffer({ path: 'bytes' }), bytes);
    assert.equal((await sandbox.readFileToBuffer({ path: deep })).toString(), 'deep');
    assert.equal((await sandbox.readFileToBuffer({ path: 'ümläut.txt', cwd: '/vercel' })).toString(), 'ü');
    assert.equal(await (await sandbox.runCommand('/tmp/absolute.sh')).stdout(), 'ran\n');
    assert.equal(await sandbox.readFileToBuffer({ path: 'missing' }), null);
    await sandbox.mkDir('made');
    await sandbox.fs.writeFile('made/inside.txt', 'x');
    assert.deepEqual(await sandbox.fs.readdir('made'), ['inside.txt']);
    assert.equal((await sandbox.fs.stat('made/inside.txt')).size, 1);
    await sandbox.fs.rm('made', { recursive: true });
    assert.equal(await sandbox.fs.exists('made'), false);
    await assert.rejects(sandbox.writeFiles([{ path: '/opt/x', content: 'no' }]), (error) => error.response.status === 400);
    await sandbox.delete();
});

test('stopping keeps the files, and the next command resumes by itself in a new session', async () => {
    const sandbox = await create({ name: 'resumed' });
    const first = sandbox.currentSession().sessionId;
    await sandbox.writeFiles([{ path: 'kept.txt', content: 'kept' }]);
    const stopped = await sandbox.stop();
    assert.equal(stopped.snapshot.creationMethod, 'automatic');
    const told = [];
    const again = await Sandbox.get({ ...standIn.access, name: 'resumed', onResume: async (one) => told.push(one.name) });
    assert.equal(again.status, 'stopped');
    assert.equal((await again.readFileToBuffer({ path: 'kept.txt' })).toString(), 'kept');
    assert.notEqual(again.currentSession().sessionId, first);
    assert.deepEqual(told, ['resumed']);
    const resumed = await Sandbox.get({ ...standIn.access, name: 'resumed', resume: true });
    assert.equal(resumed.currentSession().sessionId, again.currentSession().sessionId);
    assert.equal((await (await resumed.listSessions()).toArray()).length, 2);
    await resumed.delete({ deleteOrphanSnapshots: true });
    assert.deepEqual((await standIn.state()).bills, { running_sessions: 0, stored_bytes: 0 });
});

test('snapshots begin other sandboxes, roll back, are listed and deleted', async () => {
    const sandbox = await create({ name: 'source' });
    await sandbox.writeFiles([{ path: 'file', content: 'old' }]);
    const snapshot = await sandbox.snapshot({ expiration: 86400000 });
    assert.equal(snapshot.status, 'created');
    assert.equal(snapshot.expiresAt.getTime() - snapshot.createdAt.getTime(), 86400000);
    const copy = await create({ source: { type: 'snapshot', snapshotId: snapshot.snapshotId } });
    assert.equal((await copy.readFileToBuffer({ path: 'file' })).toString(), 'old');

    await sandbox.writeFiles([{ path: 'file', content: 'new' }]);
    await sandbox.stop();
    await sandbox.update({ currentSnapshotId: snapshot.snapshotId });
    assert.equal((await sandbox.readFileToBuffer({ path: 'file' })).toString(), 'old');

    const found = await Snapshot.get({ ...standIn.access, snapshotId: snapshot.snapshotId });
    assert.equal(found.sizeBytes, snapshot.sizeBytes);
    const own = await (await sandbox.listSnapshots()).toArray();
    assert.equal(own.length, 2);
    assert.equal((await (await Snapshot.list(standIn.access)).toArray()).length, 2);
    const tree = await Snapshot.tree({ ...standIn.access, snapshotId: own[0].id });
    assert.equal((await tree.toArray()).length, 2);

    const fork = await Sandbox.fork({ ...standIn.access, sourceSandbox: 'source', name: 'fork' });
    assert.equal((await fork.readFileToBuffer({ path: 'file' })).toString(), 'old');
    await found.delete();
    await assert.rejects(create({ source: { type: 'snapshot', snapshotId: snapshot.snapshotId } }),
        (error) => error.response.status === 410 && error.json.error.code === 'snapshot_not_found');
    for (const one of [sandbox, copy, fork]) await one.delete({ deleteOrphanSnapshots: true });
});

test('lists are read page by page, sorted and filtered', async () => {
    const all = [];
    for (const name of ['list-a', 'list-b', 'list-c']) {
        all.push(await create({ name, tags: { kind: name === 'list-b' ? 'odd' : 'even' } }));
    }
    const names = async (more) =>
        (await (await Sandbox.list({ ...standIn.access, ...more })).toArray()).map((one) => one.name);
    assert.deepEqual(await names({ limit: 1, sortBy: 'name', sortOrder: 'asc', namePrefix: 'list-' }),
        ['list-a', 'list-b', 'list-c']);
    assert.deepEqual(await names({ tags: { kind: 'even' }, sortOrder: 'desc' }), ['list-c', 'list-a']);
    for (const one of all) await one.delete();
});

test('a session is extended and given a network policy; a user and an interactive shell are there', async () => {
    const sandbox = await create({ timeout: 60000 });
    await sandbox.extendTimeout(60000);
    assert.equal(sandbox.currentSession() instanceof Session, true);
    assert.equal(sandbox.currentSession().timeout, 120000);
    await standIn.advance(100000);
    assert.equal((await sandbox.runCommand('true')).exitCode, 0);
    const policy = { allow: ['example.com'], subnets: { deny: ['10.0.0.0/8'] } };
    assert.deepEqual(await sandbox.updateNetworkPolicy(policy), policy);
    assert.deepEqual(sandbox.currentSession().networkPolicy, policy);
    assert.equal((await sandbox.getDefaultUser()).username, 'ubuntu');
    assert.match((await sandbox.openInteractive()).url, /^wss:/);
    await sandbox.delete();
});
