// The official SDK meets the stand-in's faults as it meets the real service's: what the protocol notes recorded of its
// reactions holds here, too.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { APIError, Sandbox, StreamError } from '@vercel/sandbox';
import { startStandIn } from './stand_in.mjs';

const cmd = '/v2/sandboxes/sessions/*/cmd';
let standIn;
let sandbox;
before(async () => {
    standIn = await startStandIn();
    sandbox = await Sandbox.create({ ...standIn.access, name: 'faults' });
});
after(async () => { await standIn.end(); });

const code = (status, name) => (error) =>
    error instanceof APIError && error.response.status === status && error.json.error.code === name;

test('429 and 5xx are tried again, and after three attempts the last one is told', async () => {
    for (const what of [{ status: 429, code: 'rate_limited', headers: { 'retry-after': '1' } }, { status: 503 }, { close: true }]) {
        await standIn.forgetRequests();
        await standIn.fault('POST', cmd, what);
        assert.equal((await sandbox.runCommand('true')).exitCode, 0);
        assert.equal((await standIn.requests('POST', '/cmd')).length, 2);
    }
    await standIn.forgetRequests();
    await standIn.fault('POST', cmd, { status: 500, code: 'internal_server_error' }, { times: 3 });
    await assert.rejects(sandbox.runCommand('true'), code(500, 'internal_server_error'));
    assert.equal((await standIn.requests('POST', '/cmd')).length, 3);
});

test('a long Retry-After is not waited for', async () => {
    await standIn.forgetRequests();
    await standIn.fault('POST', cmd, { status: 429, code: 'rate_limited', headers: { 'retry-after': '60' } });
    await assert.rejects(sandbox.runCommand('true'), code(429, 'rate_limited'));
    assert.equal((await standIn.requests('POST', '/cmd')).length, 1);
});

test('other refusals are told at once', async () => {
    for (const [status, name] of [[400, 'bad_request'], [402, 'payment_required'], [403, 'forbidden'], [404, 'not_found'],
        [409, 'image_not_ready'], [422, 'other']]) {
        await standIn.fault('POST', cmd, { status, code: name });
        await assert.rejects(sandbox.runCommand('true'), code(status, name));
    }
});

test('a stream that ends early is an error and is not run again', async () => {
    for (const after of [0, 1]) {
        await standIn.forgetRequests();
        await standIn.fault('POST', cmd, { lines: { after, then: 'end' } });
        await assert.rejects(sandbox.runCommand('true'), (error) => error instanceof StreamError && error.code === 'stream_ended_early');
        assert.equal((await standIn.requests('POST', '/cmd')).length, 1);
    }
});

test('an error line in a stream is told with its code', async () => {
    await standIn.fault('POST', cmd, { lines: { after: 1, then: 'error', code: 'sandbox_stream_closed', message: 'closed' } });
    await assert.rejects(sandbox.runCommand('sleep', ['1000']),
        (error) => error instanceof StreamError && error.code === 'sandbox_stream_closed' && error.message.includes('closed'));
});

test('a waiting command that is answered as plain JSON, and a file that is JSON, are errors', async () => {
    await standIn.fault('POST', cmd, { headers: { 'content-type': 'application/json' } });
    await assert.rejects(sandbox.runCommand('true'), APIError);
    await standIn.fault('POST', '**/fs/read', { body: { error: { code: 'not_found', message: 'hidden' } } });
    await assert.rejects(sandbox.readFileToBuffer({ path: 'x' }), APIError);
});

test('a body that is no JSON keeps its status', async () => {
    await standIn.fault('GET', '/v2/sandboxes/faults', { status: 404, body: '<html>' });
    await assert.rejects(Sandbox.get({ ...standIn.access, name: 'faults' }), (error) => error.response.status === 404);
});

test('410 and the two 422 of an ending session are cured by a resume', async () => {
    for (const [status, name] of [[410, 'sandbox_stopped'], [422, 'sandbox_stopping'], [422, 'sandbox_snapshotting']]) {
        await standIn.forgetRequests();
        await standIn.fault('POST', cmd, { status, code: name });
        assert.equal((await sandbox.runCommand('true')).exitCode, 0);
        const gets = await standIn.requests('GET', '/sandboxes/faults');
        assert.equal(gets.length, 1);
        assert.equal(gets[0].query.resume, 'true');
    }
});

test('a session that stops in mid-stream ends the command with an error, and the next one resumes', async () => {
    await standIn.fault('POST', cmd, { lines: { after: 1, then: 'stop' } });
    await assert.rejects(sandbox.runCommand('sleep', ['1000']), (error) => error.code === 'sandbox_stream_closed');
    const before = sandbox.currentSession().sessionId;
    assert.equal((await sandbox.runCommand('true')).exitCode, 0);
    assert.notEqual(sandbox.currentSession().sessionId, before);
});

test('nothing can be resumed of a sandbox that was not persistent', async () => {
    const brief = await Sandbox.create({ ...standIn.access, persistent: false, timeout: 60000 });
    await standIn.advance(60001);
    await assert.rejects(brief.runCommand('true'), (error) => [409, 410].includes(error.response.status));
    await brief.delete();
});

test('credentials are checked', async () => {
    await assert.rejects(Sandbox.get({ ...standIn.access, name: 'faults', token: 'wrong' }), code(403, 'forbidden'));
    await assert.rejects(Sandbox.get({ ...standIn.access, name: 'faults', teamId: 'team_wrong' }), code(403, 'forbidden'));
    await assert.rejects(Sandbox.create({ ...standIn.access, projectId: 'prj_wrong' }), code(403, 'forbidden'));
});

test('an OIDC token alone names team and project', async () => {
    const part = (claims) => Buffer.from(JSON.stringify(claims)).toString('base64url');
    process.env.VERCEL_OIDC_TOKEN =
        `${part({})}.${part({ owner_id: 'team_oidc', project_id: 'prj_oidc', exp: 4000000000 })}.x`;
    await standIn.forgetRequests();
    await assert.rejects(Sandbox.create({ fetch: standIn.access.fetch }), code(403, 'forbidden'));
    const [request] = await standIn.requests('POST', '/v3/sandboxes');
    assert.equal(request.query.teamId, 'team_oidc');
    assert.equal(request.json.projectId, 'prj_oidc');
});
