// What the interop tests of every vendor do with a stand-in: start one of their own, ask it for faults, read what it was
// asked. Knows no vendor.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export async function start() {
    const program = spawn(process.env.BERTH_STAND_IN, ['--end-with-input'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
    const about = JSON.parse((await lines.next()).value);
    const control = async (method, name, body) => {
        const answer = await fetch(`${about.control_url}/${name}`, { method, body: body && JSON.stringify(body) });
        const json = await answer.json();
        if (!answer.ok) throw new Error(`${method} ${name}: ${JSON.stringify(json)}`);
        return json;
    };
    return {
        about,
        fault: (method, path, what, more = {}) => control('POST', 'faults', { method, path, what, ...more }),
        clearFaults: () => control('DELETE', 'faults'),
        behave: (change) => control('POST', 'behaviour', change),
        advance: (milliseconds) => control('POST', 'clock', { advance_ms: milliseconds }),
        state: () => control('GET', 'state'),
        requests: async (method, ending) =>
            (await control('GET', 'requests')).filter((one) => one.method === method && one.path.endsWith(ending)),
        allRequests: () => control('GET', 'requests'),
        forgetRequests: () => control('DELETE', 'requests'),
        wait: (what) => control('POST', 'wait', what),
        end: () => new Promise((resolve) => program.on('exit', resolve).stdin.end()),
    };
}
