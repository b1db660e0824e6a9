// The requests of daytona.so beside those of the official SDK for the same work, field by field.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Daytona } from '@daytonaio/sdk';
import { berth, differences, judge } from './compare.mjs';
import { perform, template } from './operations.mjs';
import { start } from './started.mjs';

let standIn;
let folder;
let official;
before(async () => {
    standIn = await start();
    await standIn.behave({ log_close_after_ms: 0 });
    const daytona = new Daytona({ apiKey: standIn.about.api_key, apiUrl: standIn.about.api_url });
    official = await perform(daytona, standIn);
    await daytona[Symbol.asyncDispose]?.();
    folder = mkdtempSync(join(tmpdir(), 'berth-compare-'));
    const url = `api_url: ${standIn.about.api_url}`;
    writeFileSync(join(folder, 'berth.yaml'), `version: 1
select: { default: plain }
providers:
  plain: { plugin: daytona, config: { ${url} } }
  built: { plugin: daytona, config: { ${url}, image: "debian:12", cpus: 2, memory_gib: 4, disk_gib: 8 } }
`);
    writeFileSync(join(folder, 'file.txt'), 'text');
});
after(async () => {
    await standIn.end();
    rmSync(folder, { recursive: true });
});

const ours = (...words) =>
    berth(join(folder, 'berth.yaml'), { HOME: folder, DAYTONA_API_KEY: standIn.about.api_key }, words);
const headers = ['accept', 'content-type', 'x-daytona-organization-id'];

const found = [];
async function compare(operations, work) {
    const theirs = operations.flatMap((name) => official[name]).filter((one) => !one.path.includes('socket.io'));
    await standIn.forgetRequests();
    const result = await work();
    const operation = operations.join(', ');
    for (const one of differences(theirs, await standIn.allRequests(), { template, headers })) found.push({ operation, ...one });
    return result;
}

const intended = [
    { operation: /^create/, field: / body\.labels\.code-toolbox-language$/,
        why: 'only the SDK\'s own code runner reads it, which we do not have' },
    { operation: /^create/, field: / body\.labels\.berth(-generation|-id|-key|-run)?$/,
        why: 'the mark by which list and get know our own, and what another machine needs to know of the sandbox' },
    { operation: /^create/, field: / body\.name$/,
        why: 'a name of our own choosing, so that a create whose answer was lost is found again and not made twice' },
    { operation: /^create/, field: / body\.(autoStopInterval|autoDeleteInterval)$/,
        why: 'what stops it and what deletes it is said on purpose, not left to a default that may change' },
    { operation: 'create from image', field: / body\.buildInfo\.contextHashes$/,
        why: 'documented as a list; an image alone has none' },
    { operation: /^(create|stop)/, field: /^GET \/toolbox\/{sandbox}\/(version|work-dir)$/,
        why: 'started is not enough: the toolbox must answer; and where commands begin is asked for once' },
    { operation: 'list', field: / query\.labels$/, why: 'another label is looked for, in the same form' },
    { operation: 'list', field: / query\.(limit|order|sort)$/,
        why: 'few pages, oldest first, so that activity does not shift what is listed between pages' },
    { operation: 'session', field: 'GET /toolbox/{sandbox}/process/session/{session}/command/{command}',
        why: 'our wrapper tells the exit code in the output itself; Daytona is asked only when that breaks off' },
    { operation: 'session', field: / body\.sessionId$/, why: 'names of our own choosing' },
    { operation: 'session', field: / body\.command$/,
        why: 'the program runs in a wrapper in a child: exact bytes, group kill, an exit code whatever the command does to its shell' },
    { operation: 'session', field: / body\.suppressInputEcho$/, why: 'what is given as input is no output' },
    { operation: /^upload/, field: 'POST /toolbox/{sandbox}/files/permissions',
        why: 'the text that puts files in place sets their modes, too' },
    { operation: /^(upload|download|metrics|snapshot delete|delete)/, field: /^GET \/(sandbox(\/{sandbox})?|snapshots\/{snapshot})$/,
        why: 'only what this provider made is touched, in its newest generation' },
    { operation: /^upload/, field: / length$/, why: 'Daytona asks for one: chunked uploads fail on fresh sandboxes' },
    { operation: /^upload/, field: /bulk-upload body$/,
        why: 'the files and the text that puts them in place travel together, so that each appears whole or not at all' },
    { operation: /^(upload|download)/, field: /process\/execute body\.(command|cwd|envs\.B|timeout)$/,
        why: 'another command, in the same form: one of our own small works, with an absolute path and no variables' },
    { operation: /^download/, field: /^(POST \/toolbox\/{sandbox}\/files\/bulk-download|GET \/toolbox\/{sandbox}\/files\/download)$/,
        why: 'one file has a real status there, and a body of a known length' },
    { operation: 'metrics', field: 'POST /toolbox/{sandbox}/process/execute', why: 'Daytona does not count processes' },
    { operation: 'stop, start', field: / header\.content-type$/, why: 'there is no body that could have a type' },
    { operation: /^snapshot create/, field: / body\.name$/,
        why: 'names are one space for the whole organization; the caller\'s name is kept beside the id' },
    { operation: /^(session|upload|snapshot delete)/, field: / header\.accept$/, why: 'JSON wherever there is an answer at all' },
];

test('daytona.so sends what the official SDK sends, but for what is listed with its reason', async () => {
    const sandbox = await compare(['create'], () => ours('create'));
    const built = await compare(['create from image'], () => ours('create', '--provider', 'built'));
    await compare(['get'], () => ours('inspect', sandbox));
    await compare(['list'], () => ours('ls', '--provider', 'plain'));
    await compare(['session'], () => ours('exec', sandbox, '--', 'echo', 'x'));
    await compare(['upload', 'permissions', 'execute'], () => ours('cp', join(folder, 'file.txt'), `${sandbox}:file.txt`));
    await compare(['download', 'execute'], () => ours('cp', `${sandbox}:file.txt`, join(folder, 'got.txt')));
    await compare(['metrics'], () => ours('stats', sandbox));
    await compare(['stop', 'start'], () => ours('restart', sandbox));
    const snapshot = await compare(['snapshot create', 'snapshot get'], () => ours('snapshot', 'create', sandbox, 'one'));
    await compare(['snapshot delete'], () => ours('snapshot', 'rm', snapshot.split(/\s/)[0]));
    await compare(['delete'], () => ours('rm', sandbox));
    await ours('rm', built);
    assert.ok(snapshot);
    if (process.env.BERTH_SHOW_DIFFERENCES) for (const one of found) console.log(JSON.stringify(one));
    judge(found, intended);
});
