// A stand-in of this test's own, and the SDK pointed at it: the SDK has no option for its address, only for `fetch`.
import { start } from './started.mjs';

const official = 'https://vercel.com/api';

export async function startStandIn() {
    const started = await start();
    const { about } = started;
    const redirected = (address, options) => {
        const text = String(address instanceof Request ? address.url : address);
        if (!text.startsWith(official)) throw new Error(`the SDK calls ${text}, which is not the API`);
        return fetch(about.api_url + text.slice(official.length), options);
    };
    return {
        ...started,
        /// What every static method of the SDK takes.
        access: { token: about.token, teamId: about.team_id, projectId: about.project_id, fetch: redirected },
    };
}
