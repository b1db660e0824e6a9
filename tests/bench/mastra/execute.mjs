// Mastra's LocalSandbox as one side of a comparison: each line on stdin is one executed `true`, output captured, answered
// with the microseconds it took. Started by bench_sandbox.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LocalSandbox } from '@mastra/core/workspace';

const directory = mkdtempSync(join(tmpdir(), 'berth-bench-mastra-'));
const sandbox = new LocalSandbox({ workingDirectory: directory, isolation: 'bwrap' });
await sandbox.start();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
    const start = process.hrtime.bigint();
    const result = await sandbox.executeCommand('true', []);
    const took = Number(process.hrtime.bigint() - start) / 1000;
    if (result.exitCode !== 0) throw new Error(`true ended with ${result.exitCode}: ${result.stderr}`);
    console.log(took.toFixed(1));
}
await sandbox.destroy();
rmSync(directory, { recursive: true, force: true });
