// Two clients of one API, request by request and field by field: what the official SDK sends and what a plugin of ours
// sends for the same work. Every difference stands in a list with its reason; one that is not there fails, and so does one
// that no longer occurs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { gunzipSync } from 'node:zlib';

/// Runs `berth WORDS...`; resolves with what it printed.
export function berth(configuration, environment, words, { mayFail = false } = {}) {
    return new Promise((resolve, reject) => {
        const program = spawn(process.env.BERTH_PROGRAM, ['--config', configuration, ...words],
            { env: { PATH: process.env.PATH, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
        const said = { out: '', err: '' };
        program.stdout.on('data', (piece) => { said.out += piece; });
        program.stderr.on('data', (piece) => { said.err += piece; });
        program.on('error', reject);
        program.on('close', (code) => {
            if (code === 0 || mayFail) resolve(said.out.trim());
            else reject(new Error(`berth ${words.join(' ')} ended with ${code}: ${said.err}`));
        });
    });
}

/// `{a: {b: 1}, c: [2]}` as [["a.b", 1], ["c.0", 2]].
function flat(value, path = '') {
    if (value === null || typeof value !== 'object') return [[path, value]];
    const entries = Object.entries(value);
    if (entries.length === 0) return [[path, Array.isArray(value) ? '[]' : '{}']];
    return entries.flatMap(([name, inner]) => flat(inner, path ? `${path}.${name}` : name));
}

/// The names of the regular files in a ustar archive.
function filesOf(archive) {
    const tar = gunzipSync(archive);
    const names = [];
    for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
        const text = (from, size) => tar.toString('latin1', at + from, at + from + size).split('\0')[0];
        if (['0', ''].includes(text(156, 1))) names.push(text(0, 100));
        at += 512 + Math.ceil(parseInt(text(124, 12), 8) / 512) * 512;
    }
    return names;
}

/// A recorded request as fields that can be compared. `headers` names those whose value matters.
export function fieldsOf(request, { headers }) {
    const fields = {};
    const sent = Object.fromEntries(request.headers);
    for (const [name, value] of Object.entries(request.query ?? {})) fields[`query.${name}`] = value;
    for (const name of headers) if (sent[name] !== undefined) fields[`header.${name}`] = sent[name];
    fields['header.authorization'] = sent.authorization?.split(' ')[0];
    fields['header.user-agent'] = sent['user-agent'] ? 'present' : undefined;
    // How a body is announced matters where there is one, or where there should be none.
    fields.length = sent['transfer-encoding'] ?? (sent['content-length'] === undefined
        ? undefined : (Number(sent['content-length']) === 0 ? 'content-length 0' : 'content-length'));
    if (request.json !== undefined && request.json !== null) {
        for (const [path, value] of flat(request.json)) fields[`body.${path}`] = value;
    } else if (request.body_length > 0) {
        const bytes = Buffer.from(request.body_base64, 'base64');
        const form = fields['header.content-type']?.startsWith('multipart/');
        if (form) fields['header.content-type'] = fields['header.content-type'].split(';')[0];
        fields.body = form ? `form with ${[...bytes.toString('latin1').matchAll(/; name="([^"]*)"/g)].map((one) => one[1]).join(', ')}`
            : bytes[0] === 0x1f && bytes[1] === 0x8b ? `tar.gz with ${filesOf(bytes).join(', ')}` : bytes.toString();
    }
    for (const name of Object.keys(fields)) if (fields[name] === undefined) delete fields[name];
    return fields;
}

function fieldDifferences(kind, theirs, mine, { headers, same }) {
    const [a, b] = [theirs, mine].map((one) => fieldsOf(one, { headers }));
    return [...new Set([...Object.keys(a), ...Object.keys(b)])]
        .filter((field) => same(a[field], field) !== same(b[field], field))
        .map((field) => ({ field: `${kind} ${field}`, official: a[field], ours: b[field] }));
}

/// What differs between two recordings of one operation: [{field, official, ours}]. `template` gives a request's
/// "METHOD /path/{of}/its/kind".
export function differences(official, ours, { template, headers, same = (value) => value }) {
    const kinds = (all) => [...new Set(all.map(template))];
    const found = [];
    for (const kind of kinds(official)) if (!kinds(ours).includes(kind)) found.push({ field: kind, official: 'sent', ours: 'not sent' });
    for (const kind of kinds(ours)) {
        const [theirs, mine] = [official, ours].map((all) => all.filter((one) => template(one) === kind));
        if (theirs.length === 0) {
            found.push({ field: kind, official: 'not sent', ours: 'sent' });
            continue;
        }
        // Of several (one polls, one asks twice) those two that are closest to each other.
        const pairs = theirs.flatMap((one) => mine.map((other) => fieldDifferences(kind, one, other, { headers, same })));
        found.push(...pairs.reduce((best, pair) => (pair.length < best.length ? pair : best)));
    }
    return found;
}

/// Fails for each difference of `found` that no entry of `intended` names, and for each entry that names none.
/// An entry: {operation, field, why}; both may be regular expressions.
export function judge(found, intended) {
    const fits = (pattern, text) => (pattern instanceof RegExp ? pattern.test(text) : pattern === text);
    const used = new Set();
    const unexplained = found.filter(({ operation, field }) => {
        const entry = intended.find((one) => fits(one.operation, operation) && fits(one.field, field));
        if (entry) used.add(entry);
        return !entry;
    });
    const stale = intended.filter((one) => !used.has(one));
    for (const entry of intended) assert.ok(entry.why.length > 10, `a reason is missing: ${entry.field}`);
    const shown = (value) => JSON.stringify(value)?.slice(0, 200) ?? 'absent';
    assert.equal(unexplained.length, 0, `differences that nothing explains:\n${unexplained
        .map((one) => `  ${one.operation}: ${one.field}: official ${shown(one.official)}, ours ${shown(one.ours)}`).join('\n')}`);
    assert.equal(stale.length, 0, `explained, but no difference any more:\n${stale
        .map((one) => `  ${one.operation}: ${one.field}`).join('\n')}`);
}
