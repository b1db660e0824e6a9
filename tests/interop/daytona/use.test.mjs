// The official SDK used as its users do, against the stand-in: everything succeeds, and means what it should.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Daytona, Image } from '@daytonaio/sdk';
import { start } from './started.mjs';

let standIn;
let daytona;
before(async () => {
    standIn = await start();
    daytona = new Daytona({ apiKey: standIn.about.api_key, apiUrl: standIn.about.api_url, target: 'eu' });
});
after(async () => {
    await daytona[Symbol.asyncDispose]?.();
    await standIn.end();
});

test('a sandbox is made with its settings, got, listed, stopped, started and deleted', async () => {
    const sandbox = await daytona.create({
        name: 'settings', envVars: { GREETING: 'hi' }, labels: { team: 'blue' }, autoStopInterval: 30, public: true,
    });
    assert.equal(sandbox.state, 'started');
    assert.equal(sandbox.labels.team, 'blue');
    assert.equal(sandbox.memory, 1);
    assert.equal((await sandbox.process.executeCommand('echo $GREETING')).result, 'hi\n');
    const same = await daytona.get('settings');
    assert.equal(same.id, sandbox.id);
    assert.equal(same.autoStopInterval, 30);

    const names = [];
    for await (const one of daytona.list({ labels: { team: 'blue' } })) names.push(one.name);
    assert.deepEqual(names, ['settings']);

    await same.setAutostopInterval(60);
    assert.deepEqual(await same.setLabels({ team: 'red' }), { team: 'red' });
    await same.setAutoDeleteInterval(-1);
    await same.stop();
    assert.equal(same.state, 'stopped');
    await same.archive();
    await same.start();
    assert.equal(same.state, 'started');
    await same.refreshData();
    assert.equal(same.autoStopInterval, 60);
    assert.equal(await same.getWorkDir(), '/home/daytona');
    await same.delete(60, true);
    await assert.rejects(daytona.get('settings'), (error) => error.statusCode === 404);
});

test('a list comes page by page, whatever the pages', async () => {
    const made = [];
    for (const name of ['a', 'b', 'c']) made.push(await daytona.create({ name, labels: { list: 'yes' } }));
    await standIn.behave({ page_items: 1 });
    const names = [];
    for await (const one of daytona.list({ labels: { list: 'yes' } })) names.push(one.name);
    assert.deepEqual(names.sort(), ['a', 'b', 'c']);
    await standIn.behave({ page_items: 0 });
    for (const one of made) await one.delete();
});

test('a sandbox from an image is built, with resources', async () => {
    const sandbox = await daytona.create({ image: 'debian:12', resources: { cpu: 2, memory: 4, disk: 8 } }, { timeout: 60 });
    assert.equal(sandbox.state, 'started');
    assert.deepEqual([sandbox.cpu, sandbox.memory, sandbox.disk], [2, 4, 8]);
    const [request] = (await standIn.requests('POST', '/sandbox')).slice(-1);
    assert.equal(request.json.buildInfo.dockerfileContent, 'FROM debian:12\n');
    await sandbox.delete();
    assert.ok(Image.base('debian:12').dockerfile.startsWith('FROM debian:12'));
});

test('an address of the toolbox that is missing is asked for', async () => {
    const sandbox = await daytona.create({ name: 'address' });
    await standIn.behave({ empty_proxy_urls: 1 });
    const same = await daytona.get('address');
    assert.equal((await same.process.executeCommand('echo there')).result, 'there\n');
    assert.equal((await standIn.requests('GET', '/toolbox-proxy-url')).length, 1);
    await sandbox.delete();
});

test('commands: output, codes, environment, folder, time', async () => {
    const sandbox = await daytona.create();
    const done = await sandbox.process.executeCommand('echo $A; pwd; echo err >&2; exit 3', '/tmp', { A: 'x y' }, 10);
    assert.equal(done.exitCode, 3);
    assert.equal(done.result, 'x y\n/tmp\nerr\n');
    await assert.rejects(sandbox.process.executeCommand('sleep 60', undefined, undefined, 1), /timeout/i);
    await sandbox.delete();
});

test('sessions: one shell, commands in the background, input, followed logs', async () => {
    await standIn.behave({ log_close_after_ms: 0 });
    const sandbox = await daytona.create();
    const { process } = sandbox;
    await process.createSession('s');
    await process.executeSessionCommand('s', { command: 'cd /tmp; export A=1' });
    const second = await process.executeSessionCommand('s', { command: 'pwd; echo $A >&2; (exit 4)' });
    assert.deepEqual([second.exitCode, second.stdout, second.stderr], [4, '/tmp\n', '1\n']);

    const third = await process.executeSessionCommand('s', { command: 'read x; echo got $x; echo no >&2', runAsync: true, suppressInputEcho: true });
    assert.equal((await process.getSessionCommand('s', third.cmdId)).exitCode, undefined);
    let [output, error] = ['', ''];
    const followed = process.getSessionCommandLogs('s', third.cmdId, (text) => { output += text; }, (text) => { error += text; });
    await process.sendSessionCommandInput('s', third.cmdId, 'it');
    await followed;
    assert.deepEqual([output, error], ['got it\n', 'no\n']);
    assert.equal((await process.getSessionCommand('s', third.cmdId)).exitCode, 0);
    const logs = await process.getSessionCommandLogs('s', third.cmdId);
    assert.deepEqual([logs.stdout, logs.stderr], ['got it\n', 'no\n']);
    assert.equal((await process.getSession('s')).commands.length, 3);
    assert.equal((await process.listSessions()).length, 1);
    await process.deleteSession('s');
    await assert.rejects(process.getSession('s'), (error) => error.statusCode === 404);
    await sandbox.delete();
});

test('the image\'s own program has logs where there is one', async () => {
    await standIn.behave({ entrypoint: 'ready\n' });
    const sandbox = await daytona.create();
    assert.equal((await sandbox.process.getEntrypointLogs()).stdout, 'ready\n');
    assert.equal((await sandbox.process.getEntrypointSession()).sessionId, 'entrypoint');
    await standIn.behave({ entrypoint: '' });
    await sandbox.delete();
});

test('files: up and down, described, listed, permitted, moved, searched, replaced, removed', async () => {
    const sandbox = await daytona.create();
    const { fs } = sandbox;
    await fs.createFolder('d', '755');
    await fs.uploadFile(Buffer.from('hello\n'), 'd/one.txt');
    await fs.uploadFiles([
        { source: Buffer.from('a\0b'), destination: '/home/daytona/d/e/two.bin' },
        { source: Buffer.from('hello hello'), destination: 'd/ümläut "€".md' },
    ]);
    assert.equal((await fs.downloadFile('d/one.txt')).toString(), 'hello\n');
    const many = await fs.downloadFiles([{ source: 'd/e/two.bin' }, { source: 'd/ümläut "€".md' }, { source: '/none' }]);
    assert.deepEqual(many.map((one) => one.source), ['d/e/two.bin', 'd/ümläut "€".md', '/none']);
    assert.equal(many[0].result.toString(), 'a\0b');
    assert.equal(many[1].result.toString(), 'hello hello');
    assert.match(many[2].error, /not found/);
    await fs.setFilePermissions('d/one.txt', { mode: '750' });
    const info = await fs.getFileDetails('d/one.txt');
    assert.deepEqual([info.name, info.size, info.permissions, info.isDir], ['one.txt', 6, '0750', false]);
    assert.equal((await fs.listFiles('d')).length, 3);
    assert.equal((await fs.findFiles('d', 'hello')).length, 2);
    assert.deepEqual((await fs.searchFiles('d', '*.bin')).files, ['d/e/two.bin']);
    const [replaced] = await fs.replaceInFiles(['d/one.txt'], 'hello', 'bye');
    assert.equal(replaced.success, true);
    await fs.moveFiles('d/one.txt', 'moved.txt');
    assert.equal((await fs.downloadFile('moved.txt')).toString(), 'bye\n');
    await fs.deleteFile('moved.txt');
    await assert.rejects(fs.deleteFile('d'), (error) => error.statusCode === 400);
    await fs.deleteFile('d', true);
    await assert.rejects(fs.getFileDetails('d'), (error) => error.statusCode === 404);
    await sandbox.delete();
});

test('snapshots: of a sandbox, found, used, listed, deleted', async () => {
    const sandbox = await daytona.create();
    await sandbox.process.executeCommand('echo kept > file');
    await sandbox.createSnapshot('n1');
    const snapshot = await daytona.snapshot.get('n1');
    assert.equal(snapshot.state, 'active');
    const copy = await daytona.create({ snapshot: 'n1' });
    assert.equal((await copy.process.executeCommand('cat file')).result, 'kept\n');
    assert.ok((await daytona.snapshot.list({ page: 1, limit: 50 })).items.some((one) => one.name === 'n1'));
    await daytona.snapshot.delete(snapshot);
    const made = await daytona.snapshot.create({ name: 'made', image: 'debian:12', resources: { memory: 2 } });
    assert.equal(made.state, 'active');
    await copy.delete();
    await sandbox.delete();
});
