// A fixed list of work done with the official SDK, and the requests that each piece of it sent: what daytona.so's requests
// are to be compared with (compare.mjs).

/// A request's "METHOD /path/{of}/its/kind".
export function template(request) {
    const parts = request.path.replace(/^\/api/, '').split('/');
    const named = {
        toolbox: '{sandbox}', sandbox: '{sandbox}', session: '{session}', command: '{command}', snapshots: '{snapshot}',
        autostop: '{minutes}',
    };
    const fixed = ['entrypoint'];
    return `${request.method} ${parts.map((part, index) =>
        (named[parts[index - 1]] && !fixed.includes(part) ? named[parts[index - 1]] : part)).join('/')}`;
}

/// Performs them in order; gives {operation: requests}.
export async function perform(daytona, standIn) {
    const recorded = {};
    const record = async (operation, work) => {
        await standIn.forgetRequests();
        const result = await work();
        recorded[operation] = await standIn.allRequests();
        return result;
    };
    const sandbox = await record('create', () => daytona.create());
    const labelled = await record('create with labels', () => daytona.create({
        name: 'labelled', labels: { team: 'blue' }, envVars: { A: '1' }, autoStopInterval: 0,
    }));
    const built = await record('create from image', () => daytona.create({
        image: 'debian:12', resources: { cpu: 2, memory: 4, disk: 8 },
    }));
    await record('get', () => daytona.get(sandbox.id));
    await record('list', async () => { for await (const _ of daytona.list({ labels: { team: 'blue' } })); });
    await record('set labels', () => labelled.setLabels({ team: 'red' }));
    await record('set autostop', () => labelled.setAutostopInterval(60));
    await record('execute', () => sandbox.process.executeCommand('echo x', '/tmp', { B: '2' }, 5));
    const { process, fs } = sandbox;
    await record('session', async () => {
        await process.createSession('s');
        const { cmdId } = await process.executeSessionCommand('s', { command: 'echo x', runAsync: true });
        await process.getSessionCommandLogs('s', cmdId, () => {}, () => {});
        await process.getSessionCommand('s', cmdId);
        await process.deleteSession('s');
    });
    await record('upload', () => fs.uploadFile(Buffer.from('text'), 'file.txt'));
    await record('download', () => fs.downloadFile('file.txt'));
    await record('permissions', () => fs.setFilePermissions('file.txt', { mode: '755' }));
    await record('metrics', () => sandbox.getMetricsLatest());
    await record('stop', () => sandbox.stop());
    await record('start', () => sandbox.start());
    await record('snapshot create', () => sandbox.createSnapshot('one'));
    const snapshot = await record('snapshot get', () => daytona.snapshot.get('one'));
    await record('snapshot delete', () => daytona.snapshot.delete(snapshot));
    await record('delete', () => sandbox.delete());
    for (const one of [labelled, built]) await one.delete();
    return recorded;
}
