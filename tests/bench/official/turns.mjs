// What the official clients do alike as one side of a comparison: each line on stdin is one step, answered with the
// microseconds it took. Knows no vendor. The stand-in's address, credentials and sandbox come in BERTH_BENCH_STAND_IN.
import { createInterface } from 'node:readline';

export const about = JSON.parse(process.env.BERTH_BENCH_STAND_IN);
const [word, text] = process.argv.slice(2);
/// The first word, and the number behind it: VENDOR.mjs get, list, or turn|flight|upload|download|... COUNT.
export const what = word;
export const count = Number(text);

/// `one` so many times, one after the other.
export async function inTurn(one) {
    for (let index = 0; index < count; ++index) await one();
}

/// The same with 100 under way.
export async function inFlight(one) {
    let begun = 0;
    const worker = async () => { while (begun++ < count) await one(); };
    await Promise.all(Array.from({ length: Math.min(count, 100) }, worker));
}

export function expectBytes(found) {
    if (found !== count) throw new Error(`${found} bytes came, not ${count}`);
}

export async function serve(step) {
    console.log('ready');
    for await (const _ of createInterface({ input: process.stdin })) {
        const start = process.hrtime.bigint();
        await step();
        console.log((Number(process.hrtime.bigint() - start) / 1000).toFixed(1));
    }
}
