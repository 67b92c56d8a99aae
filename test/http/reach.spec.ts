import { beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { adminOf, idOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { Script, Visitor } from '../support/people.js';
import { shelve } from '../support/stored.js';
import { sized } from '../support/suite.js';

/** Who may have a thing, in numbers of the model. */
interface Audience {
  readonly everyone: boolean;
  readonly groups: readonly number[];
  readonly members: readonly number[];
}

const nobody: Audience = { everyone: false, groups: [], members: [] };
const all = <Thing>(count: number, make: (n: number) => Thing) => Array.from({ length: count }, (_, n) => make(n));
const counts = { members: 3, groups: 3, files: 4, collections: 2 } as const;

/** What the site should be like: as plain as it can be said. */
const model = {
  groups: all(counts.groups, () => new Set<number>()),
  files: all(counts.files, () => ({ audience: { ...nobody, everyone: true }, isDeleted: false, isHidden: false })),
  collections: all(counts.collections, () => ({ audience: nobody, files: new Set<number>() })),
};

const isFor = (member: number, { everyone, groups, members }: Audience): boolean =>
  everyone || members.includes(member) || groups.some((group) => model.groups[group]?.has(member));

function mayHave(member: number, file: number): boolean {
  const { audience, isDeleted, isHidden } = model.files[file] ?? { audience: nobody, isDeleted: true, isHidden: true };
  const byCollection = model.collections.some((one) => one.files.has(file) && isFor(member, one.audience));
  return !isDeleted && !isHidden && (isFor(member, audience) || byCollection);
}

const index = (count: number) => fc.nat(count - 1);
const audience: fc.Arbitrary<Audience> = fc.record({
  everyone: fc.boolean(),
  groups: fc.uniqueArray(index(counts.groups)),
  members: fc.uniqueArray(index(counts.members)),
});
const file = index(counts.files);
const collection = index(counts.collections);
const act = fc.oneof(
  fc.record({ kind: fc.constant('share file' as const), file, audience }),
  fc.record({ kind: fc.constant('share collection' as const), collection, audience }),
  fc.record({ kind: fc.constant('collect' as const), collection, file, isIn: fc.boolean() }),
  fc.record({
    kind: fc.constant('join' as const),
    group: index(counts.groups),
    member: index(counts.members),
    isIn: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('delete' as const), file, isDeleted: fc.boolean() }),
  fc.record({ kind: fc.constant('hide' as const), file, isHidden: fc.boolean() }),
);
type Act = typeof act extends fc.Arbitrary<infer One> ? One : never;

const site = aSite(() => startWithAdmin({ WELCOME_FILE: 'no/such/file' }));
let admin: Script;
const members: { readonly id: string; readonly script: Script; readonly browser: Visitor }[] = [];
const ids = { groups: [] as string[], files: [] as string[], collections: [] as string[] };
beforeAll(async () => {
  admin = (await adminOf(site)).script;
  for (let n = 0; n < counts.members; n++) {
    const [script, browser] = [new Script(site.url), new Visitor(site.url)];
    const who = await script.register();
    await browser.visit('/login', { form: { email: who.email, password: who.password } });
    members.push({ id: await idOf(site, who), script, browser });
  }
  for (let n = 0; n < counts.groups; n++) ids.groups.push(await made('/api/v1/groups', { name: `Group ${n}` }));
  for (let n = 0; n < counts.collections; n++)
    ids.collections.push(await made('/api/v1/collections', { name: `C${n}` }));
  for (const id of ids.collections) await done(`/api/v1/collections/${id}/audience`, 'PUT', { everyone: false });
  for (let n = 0; n < counts.files; n++) ids.files.push((await shelve(site, 10, `file-${n}.txt`)).file.id);
});

async function made(path: string, json: object): Promise<string> {
  return ((await (await admin.ask(path, { json })).json()) as { id: string }).id;
}

async function done(path: string, method: string, json?: object): Promise<void> {
  const answer = await admin.ask(path, { method, json });
  if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${await answer.text()}`);
}

const inIds = ({ everyone, groups, members: named }: Audience) => ({
  everyone,
  groups: groups.map((n) => ids.groups[n]),
  members: named.map((n) => members[n]?.id),
});

/** Does it on the site, and in the model. */
async function perform(one: Act): Promise<void> {
  if (one.kind === 'share collection') {
    await done(`/api/v1/collections/${ids.collections[one.collection]}/audience`, 'PUT', inIds(one.audience));
    Object.assign(model.collections[one.collection] ?? {}, { audience: one.audience });
    return;
  }
  if (one.kind === 'join') {
    const group = model.groups[one.group];
    const path = `/api/v1/groups/${ids.groups[one.group]}/members`;
    const id = members[one.member]?.id;
    if (one.isIn) await done(path, 'POST', { members: [id] });
    else if (group?.has(one.member)) await done(`${path}/${id}`, 'DELETE');
    group?.[one.isIn ? 'add' : 'delete'](one.member);
    return;
  }
  const known = model.files[one.file];
  // what is deleted is had back before anything else is done with it
  if (!known || (known.isDeleted && one.kind !== 'delete')) return;
  const path = `/api/v1/files/${ids.files[one.file]}`;
  if (one.kind === 'share file') {
    await done(`${path}/audience`, 'PUT', inIds(one.audience));
    known.audience = one.audience;
  } else if (one.kind === 'collect') {
    const { files } = model.collections[one.collection] ?? { files: new Set<number>() };
    if (one.isIn === files.has(one.file)) return;
    const place = `/api/v1/collections/${ids.collections[one.collection]}/files/${ids.files[one.file]}`;
    await done(place, one.isIn ? 'PUT' : 'DELETE');
    files[one.isIn ? 'add' : 'delete'](one.file);
  } else if (one.kind === 'delete') {
    if (one.isDeleted && !known.isDeleted) await done(path, 'DELETE');
    else if (!one.isDeleted) await done(path, 'PATCH', { deleted: false });
    known.isDeleted = one.isDeleted;
  } else {
    const availableAt = new Date(Date.now() + (one.isHidden ? 1 : -1) * 3_600_000).toISOString();
    await done(path, 'PATCH', { availableAt });
    known.isHidden = one.isHidden;
  }
}

/** Which files a member finds, in each way there is. */
async function foundBy(n: number): Promise<Record<string, number[]>> {
  const { script, browser } = members[n] ?? { script: admin, browser: new Visitor(site.url) };
  const those = (has: (id: string) => boolean) => ids.files.flatMap((id, index) => (has(id) ? [index] : []));
  const listed = async (path: string) => {
    const { items } = (await (await script.ask(path)).json()) as { items: { id: string }[] };
    return those((id) => items.some((item) => item.id === id));
  };
  const inPage = async (path: string) => {
    const { html } = await browser.visit(path);
    return those((id) => html.includes(id));
  };
  const statuses = await Promise.all(ids.files.map(async (id) => (await script.ask(`/api/v1/files/${id}`)).status));
  const pages = await Promise.all(ids.files.map(async (id) => (await browser.ask(`/files/${id}`)).status));
  expect([...statuses, ...pages].filter((status) => status !== 200 && status !== 404)).toEqual([]);
  return {
    'by list': await listed('/api/v1/files'),
    'by search': await listed('/api/v1/files?q=FILE-&sort=name'),
    'by address': statuses.flatMap((status, index) => (status === 200 ? [index] : [])),
    'by page': pages.flatMap((status, index) => (status === 200 ? [index] : [])),
    'on the shelf': await inPage('/secrets'),
    'on the shelf, by search': await inPage('/secrets?q=file-'),
  };
}

it('whatever is shared, joined, collected, hidden or deleted, each finds what the rule says, in every way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
      for (const one of acts) await perform(one);
      for (const [n] of members.entries()) {
        const right = ids.files.flatMap((_, index) => (mayHave(n, index) ? [index] : []));
        const found = await foundBy(n);
        expect([n, found]).toEqual([n, Object.fromEntries(Object.keys(found).map((way) => [way, right]))]);
      }
    }),
    // what the acts before have left is where the next begin
    { numRuns: sized('30 orders of acts about who may have what, 10 of them', 10, 30), endOnFailure: true },
  );
});
