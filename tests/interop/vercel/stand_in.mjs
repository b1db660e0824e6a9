// A stand-in of this test's own, and the SDK pointed at it: the SDK has no option for its address, only for `fetch`.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const official = 'https://vercel.com/api';

export async function startStandIn() {
    const program = spawn(process.env.BERTH_STAND_IN, ['--end-with-input'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
    const about = JSON.parse((await lines.next()).value);
    const control = async (method, name, body) => {
        const answer = await fetch(`${about.control_url}/${name}`, { method, body: body && JSON.stringify(body) });
        const json = await answer.json();
        if (!answer.ok) throw new Error(`${method} ${name}: ${JSON.stringify(json)}`);
        return json;
    };
    const redirected = (address, options) => {
        const text = String(address instanceof Request ? address.url : address);
        if (!text.startsWith(official)) throw new Error(`the SDK calls ${text}, which is not the API`);
        return fetch(about.api_url + text.slice(official.length), options);
    };
    return {
        about,
        /// What every static method of the SDK takes.
        access: { token: about.token, teamId: about.team_id, projectId: about.project_id, fetch: redirected },
        fault: (method, path, what, more = {}) => control('POST', 'faults', { method, path, what, ...more }),
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
