// What the official SDK sends for a fixed list of work: the facts that the protocol notes call recorded, recorded anew.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Daytona } from '@daytonaio/sdk';
import { perform, template } from './operations.mjs';
import { start } from './started.mjs';

let standIn;
let recorded;
before(async () => {
    standIn = await start();
    await standIn.behave({ log_close_after_ms: 0 });
    const daytona = new Daytona({ apiKey: standIn.about.api_key, apiUrl: standIn.about.api_url });
    recorded = await perform(daytona, standIn);
    await daytona[Symbol.asyncDispose]?.();
});
after(async () => { await standIn.end(); });

const header = (request, name) => Object.fromEntries(request.headers)[name];
const first = (operation, kind) => {
    const found = recorded[operation].find((one) => template(one) === kind);
    assert.ok(found, `${operation} sent no ${kind}, but ${recorded[operation].map(template).join(', ')}`);
    return found;
};

test('every request of both bases says who asks', () => {
    for (const request of Object.values(recorded).flat().filter((one) => !one.path.includes('socket.io'))) {
        assert.equal(header(request, 'authorization'), 'Bearer ...', request.path);
        assert.match(header(request, 'x-daytona-source') ?? '', /^sdk-typescript/, request.path);
        assert.match(header(request, 'x-daytona-sdk-version') ?? '', /^0\.\d+\.\d+$/, request.path);
    }
});

test('a create sends an environment and a language, and resources only with an image', () => {
    const plain = first('create', 'POST /sandbox').json;
    assert.deepEqual(plain.env, {});
    assert.ok(plain.labels['code-toolbox-language']);
    for (const name of ['cpu', 'memory', 'disk', 'snapshot', 'buildInfo']) assert.equal(plain[name], undefined);
    const full = first('create with labels', 'POST /sandbox').json;
    assert.deepEqual([full.env.A, full.labels.team, full.autoStopInterval], ['1', 'blue', 0]);
    const built = first('create from image', 'POST /sandbox').json;
    assert.deepEqual([built.cpu, built.memory, built.disk], [2, 4, 8]);
    assert.equal(built.buildInfo.dockerfileContent, 'FROM debian:12\n');
});

test('settings, states and snapshots', () => {
    assert.deepEqual(JSON.parse(first('list', 'GET /sandbox').query.labels), { team: 'blue' });
    assert.deepEqual(first('set labels', 'PUT /sandbox/{sandbox}/labels').json, { labels: { team: 'red' } });
    assert.match(first('set autostop', 'POST /sandbox/{sandbox}/autostop/{minutes}').path, /\/60$/);
    assert.equal(first('stop', 'POST /sandbox/{sandbox}/stop').query.force, 'false');
    assert.equal(first('start', 'POST /sandbox/{sandbox}/start').body_length, 0);
    assert.deepEqual(first('snapshot create', 'POST /sandbox/{sandbox}/snapshot').json, { name: 'one' });
    assert.match(first('snapshot delete', 'DELETE /snapshots/{snapshot}').path, /[0-9a-f-]{36}$/);
    first('delete', 'DELETE /sandbox/{sandbox}');
});

test('commands, logs and files', () => {
    assert.deepEqual(first('execute', 'POST /toolbox/{sandbox}/process/execute').json,
        { command: 'echo x', cwd: '/tmp', envs: { B: '2' }, timeout: 5 });
    assert.equal(first('session', 'POST /toolbox/{sandbox}/process/session/{session}/exec').json.runAsync, true);
    const followed = first('session', 'GET /toolbox/{sandbox}/process/session/{session}/command/{command}/logs');
    assert.deepEqual([followed.query.follow, header(followed, 'upgrade'), followed.status], ['true', 'websocket', 101]);
    const uploaded = first('upload', 'POST /toolbox/{sandbox}/files/bulk-upload');
    assert.equal(header(uploaded, 'transfer-encoding'), 'chunked');
    const parts = Buffer.from(uploaded.body_base64, 'base64').toString();
    assert.ok(parts.indexOf('files[0].path') < parts.indexOf('files[0].file'));
    assert.deepEqual(first('download', 'POST /toolbox/{sandbox}/files/bulk-download').json, { paths: ['file.txt'] });
    assert.equal(first('permissions', 'POST /toolbox/{sandbox}/files/permissions').query.mode, '755');
    first('metrics', 'GET /toolbox/{sandbox}/system/metrics');
});
