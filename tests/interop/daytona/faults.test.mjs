// The official SDK meets the stand-in's faults as it meets the real service's: what the protocol notes recorded of its
// reactions holds here, too.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Daytona } from '@daytonaio/sdk';
import { start } from './started.mjs';

let standIn;
let daytona;
let sandbox;
before(async () => {
    standIn = await start();
    daytona = new Daytona({ apiKey: standIn.about.api_key, apiUrl: standIn.about.api_url });
    sandbox = await daytona.create({ name: 'faults' });
});
after(async () => {
    await daytona[Symbol.asyncDispose]?.();
    await standIn.end();
});

const status = (wanted, text = /./) => (error) => error.statusCode === wanted && text.test(error.message);

test('a wrong key is refused by both bases', async () => {
    const stranger = new Daytona({ apiKey: 'wrong', apiUrl: standIn.about.api_url });
    await assert.rejects(stranger.get('faults'), status(401));
});

test('nothing is tried again by its status', async () => {
    for (const code of [429, 503]) {
        await standIn.forgetRequests();
        await standIn.fault('GET', '/sandbox/faults', { status: code, message: 'later' });
        await assert.rejects(daytona.get('faults'), status(code, /later/));
        assert.equal((await standIn.requests('GET', '/sandbox/faults')).length, 1);
    }
});

test('a GET that was cut off is sent again, an execute is not', async () => {
    await standIn.forgetRequests();
    await standIn.fault('GET', '/sandbox/faults', { reset: true });
    assert.equal((await daytona.get('faults')).name, 'faults');
    assert.equal((await standIn.requests('GET', '/sandbox/faults')).length, 2);
    await standIn.fault('POST', '/toolbox/*/process/execute', { reset: true });
    await assert.rejects(sandbox.process.executeCommand('true'));
    assert.equal((await standIn.requests('POST', '/process/execute')).length, 1);
});

test('the control plane\'s refusals have their own classes and words', async () => {
    await assert.rejects(daytona.create({ name: 'faults' }), status(409, /already exists/));
    await assert.rejects(daytona.create({ snapshot: 'none' }), status(400, /not found/));
    await standIn.behave({ failing_starts: 1, error_reason: 'no runner is free' });
    await assert.rejects(daytona.create({ name: 'fails' }), /no runner is free/);
});

test('waiting for a stop rides over failed polls', async () => {
    const other = await daytona.create({ name: 'polls' });
    await standIn.behave({ step_ms: 500 });
    const fault = await standIn.fault('GET', '/sandbox/*', { status: 502, body: '' });
    await other.stop();
    assert.equal(other.state, 'stopped');
    await standIn.wait({ fault: fault.number, hits: 1 });
    await standIn.behave({ step_ms: 20 });
    await other.delete();
});

test('a snapshot that failed silently counts as made, until it is asked for', async () => {
    await standIn.behave({ silent_snapshot_failures: 1 });
    await sandbox.createSnapshot('never');
    await assert.rejects(daytona.snapshot.get('never'), status(404));
});

test('errors without a body and with `error` alone are told with their status', async () => {
    const execute = '/toolbox/*/process/execute';
    await standIn.fault('POST', execute, { status: 502, body: '' });
    await assert.rejects(sandbox.process.executeCommand('true'), status(502));
    await standIn.fault('POST', execute, { status: 500, body: { error: 'plain words' } });
    await assert.rejects(sandbox.process.executeCommand('true'), status(500, /plain words/));
});

test('an upload that failed in part is an error', async () => {
    await assert.rejects(sandbox.fs.uploadFile(Buffer.from('x'), '/opt/none/x'));
});
