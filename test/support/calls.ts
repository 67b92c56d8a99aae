import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Passkey } from '../../src/factors/passkey.entity.js';
import { idOf } from './admins.js';
import type { TestApp } from './app.js';
import { collect } from './collections.js';
import type { Call } from './described.js';
import { addAuthenticator, codeFor } from './factors.js';
import { linkIn, waitForMail } from './mail.js';
import { person, Script, type Person } from './people.js';
import { callsOfRooms } from './rooms.js';
import { shelve } from './stored.js';

/** A member whom nothing has happened to yet, and an admin. */
export interface Somebody {
  readonly site: TestApp;
  readonly who: Person;
  readonly script: Script;
  readonly admin: Script;
}

/** What somebody calls an operation with, once all that it takes has been done. */
export type Prepare = (somebody: Somebody) => Call | Promise<Call>;

/** A password that nobody has yet. */
export const another = 'another sentence of my own';

export const nothing = () => ({});

export const theirId = async ({ site, who }: Pick<Somebody, 'site' | 'who'>) => ({ id: await idOf(site, who) });

export const withAuthenticator: Prepare = async ({ site, script }) => {
  await addAuthenticator(site, script);
  return {};
};

/** A passkey that is there already: a browser that adds the first factor would end the session of the script. */
export const withPasskey: Prepare = async ({ site, who }) => {
  const [id, userId] = [uuid(), await idOf(site, who)];
  const credential = { credentialId: randomUUID(), publicKey: 'AAAA', counter: 0, transports: '' };
  const dates = { createdAt: new Date(), lastUsedAt: null };
  const passkey: Passkey = { id, userId, name: 'My phone', ...credential, ...dates };
  await site.app.get(DataSource).getRepository(Passkey).insert(passkey);
  return { id };
};

export const withVerificationMail: Prepare = async (somebody) => {
  await somebody.script.ask(`${me}/email-verifications`, { method: 'POST' });
  return { json: { token: await mailed(somebody, /confirm/i) } };
};

/** A personal token that may only look. */
export const withReadToken: Prepare = async ({ site, script }) => {
  const reader = new Script(site.url);
  const made = await script.ask(`${me}/tokens`, { json: { name: 'reader', scope: 'read' } });
  reader.token = (await read<{ token: string }>(made)).token;
  return { by: reader };
};

/** The welcome file, under headers that may depend on its entity tag. */
export const download =
  (headersFor: (etag: string) => Record<string, string>): Prepare =>
  async ({ script }) => {
    const { items } = await read<{ items: { id: string; sha256: string }[] }>(await script.ask('/api/v1/files'));
    return { id: items[0]?.id ?? 'none', headers: headersFor(`"${items[0]?.sha256}"`) };
  };

const me = '/api/v1/users/me';

const withGroup = async ({ admin }: Pick<Somebody, 'admin'>) => {
  const made = await admin.ask('/api/v1/groups', { json: { name: `Group ${randomUUID()}` } });
  return { id: (await read<{ id: string }>(made)).id };
};

const tus = { 'tus-resumable': '1.0.0' };

/** The headers that announce an upload of ten bytes. */
export const announced = (over: Record<string, string> = {}) => ({
  ...tus,
  'upload-length': '10',
  'upload-metadata': `filename ${Buffer.from('some.txt').toString('base64')}`,
  ...over,
});

/** An upload that has begun. */
export const withUpload = async ({ admin }: Pick<Somebody, 'admin'>) => {
  const begun = await admin.ask('/api/v1/uploads', { method: 'POST', headers: announced() });
  return { id: begun.headers.get('location')?.split('/').at(-1) ?? 'none', headers: tus };
};

/** The next piece of an upload. */
export const piece = ({ id }: { id: string }, body: string, over: Record<string, string> = {}) => ({
  id,
  body,
  headers: { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': '0', ...over },
});

const formWithFile = () => {
  const form = new FormData();
  form.append('file', new Blob(['some bytes']), 'some.txt');
  return form;
};

const read = async <Body>(answer: Response) => (await answer.json()) as Body;

/** The secret of the link that a mail brings. */
const mailed = async ({ site, who }: Somebody, subject: RegExp) =>
  new URL(linkIn(await waitForMail(site, who.email, subject))).searchParams.get('token') ?? '';

/** A collection for everyone, with a file in it. */
const withCollection = async ({ site }: Pick<Somebody, 'site'>) => {
  const shelved = await shelve(site, 10);
  const { id } = await collect(site, [shelved], { isForEveryone: true });
  return { id, secondId: shelved.file.id };
};

/** The zip of a collection, under headers that may depend on its entity tag. */
export const downloadZip =
  (headersFor: (etag: string) => Record<string, string>): Prepare =>
  async ({ site, script }) => {
    const { id } = await withCollection({ site });
    const { headers } = await script.ask(`/api/v1/collections/${id}/zip`, { method: 'HEAD' });
    return { id, headers: headersFor(headers.get('etag') ?? '') };
  };

const ownCalls: Readonly<Record<string, Prepare>> = {
  register: () => ({ json: person() }),
  login: ({ who: { email, password } }) => ({ json: { email, password } }),
  logout: nothing,
  prove: ({ who: { password } }) => ({ json: { password } }),

  getFactors: withPasskey,
  beginAuthenticator: nothing,
  confirmAuthenticator: async ({ script }) => {
    const begun = await script.ask(`${me}/factors/authenticator`, { method: 'POST' });
    return { json: { code: codeFor((await read<{ secret: string }>(begun)).secret) } };
  },
  removeAuthenticator: withAuthenticator,
  makeRecoveryCodes: withAuthenticator,
  listPasskeys: withPasskey,
  renamePasskey: async (somebody) => ({ ...(await withPasskey(somebody)), json: { name: 'My other phone' } }),
  removePasskey: withPasskey,

  requestPasswordReset: ({ who: { email } }) => ({ json: { email } }),
  resetPassword: async (somebody) => {
    await somebody.script.ask('/api/v1/password-resets', { json: { email: somebody.who.email } });
    return { json: { token: await mailed(somebody, /new password/i), password: another } };
  },
  confirmEmail: withVerificationMail,

  getMe: nothing,
  renameMe: () => ({ json: { name: 'Grace Hopper' } }),
  deleteMe: ({ who: { password } }) => ({ json: { password } }),
  changePassword: ({ who: { password } }) => ({ json: { currentPassword: password, password: another } }),
  requestEmailChange: ({ who: { email } }) => ({ json: { email: `new-${email}` } }),
  requestEmailVerification: nothing,
  listMySessions: nothing,
  endMyOtherSessions: nothing,
  endMySession: async ({ site, who, script }) => {
    await new Script(site.url).logIn(who);
    const { items } = await read<{ items: { id: string; isCurrent: boolean }[] }>(await script.ask(`${me}/sessions`));
    return { id: items.find(({ isCurrent }) => !isCurrent)?.id ?? 'none' };
  },
  makeMyToken: () => ({ json: { name: 'nightly backup', scope: 'write', days: 9 } }),
  listMyActivity: nothing,
  exportMe: withPasskey,

  listUsers: nothing,
  getUser: theirId,
  changeUser: async (somebody) => ({ ...(await theirId(somebody)), json: { disabled: true } }),
  listSessionsOfUser: theirId,
  endSessionsOfUser: theirId,
  resetFactorsOfUser: theirId,
  sendResetLinkToUser: theirId,
  listActivityOfUser: theirId,
  getRegistration: nothing,
  setRegistration: () => ({ json: { mode: 'open', domains: [] } }),
  listInvites: async ({ admin }) => {
    await admin.ask('/api/v1/invites', { json: {} });
    return {};
  },
  makeInvite: () => ({ json: { email: person().email, days: 9 } }),
  withdrawInvite: async ({ admin }) => {
    const made = await admin.ask('/api/v1/invites', { json: {} });
    return { id: (await read<{ id: string }>(made)).id };
  },
  listActivity: nothing,
  exportActivity: nothing,

  listGroups: withGroup,
  addGroup: () => ({ json: { name: `Group ${randomUUID()}` } }),
  getGroup: withGroup,
  renameGroup: async (somebody) => ({ ...(await withGroup(somebody)), json: { name: `Group ${randomUUID()}` } }),
  deleteGroup: withGroup,
  listMembersOfGroup: withGroup,
  addMembersToGroup: async (somebody) => ({
    ...(await withGroup(somebody)),
    json: { members: [somebody.who.email] },
  }),
  removeMemberFromGroup: async (somebody) => {
    const [{ id }, { id: memberId }] = [await withGroup(somebody), await theirId(somebody)];
    await somebody.admin.ask(`/api/v1/groups/${id}/members`, { json: { members: [memberId] } });
    return { id, secondId: memberId };
  },
  getAudienceOfCollection: async ({ site }) => ({ id: (await collect(site, [], {})).id }),
  setAudienceOfCollection: async ({ site, who }) => ({
    id: (await collect(site, [], {})).id,
    json: { everyone: false, members: [who.email] },
  }),
  listReceiptsOfFile: async ({ site }) => ({ id: (await shelve(site, 10)).file.id }),
  remindOfFile: async ({ site }) => ({ id: (await shelve(site, 10)).file.id }),
  getAudienceOfFile: async ({ site }) => ({ id: (await shelve(site, 10)).file.id }),
  setAudienceOfFile: async ({ site, who }) => ({
    id: (await shelve(site, 10)).file.id,
    json: { everyone: false, members: [who.email] },
  }),

  addFile: () => ({ body: formWithFile() }),
  describeUploads: nothing,
  beginUpload: () => ({ headers: announced() }),
  findUpload: withUpload,
  continueUpload: async (somebody) => piece(await withUpload(somebody), 'some bytes'),
  cancelUpload: withUpload,
  uploadFile: () => ({ id: 'some.txt', body: 'some bytes' }),
  putFileContent: async ({ site }) => ({ id: (await shelve(site, 10)).file.id, body: 'other bytes' }),
  replaceFile: async ({ site }) => ({ id: (await shelve(site, 10)).file.id, body: formWithFile() }),
  changeFile: async ({ site }) => ({ id: (await shelve(site, 10)).file.id, json: { name: 'another.txt' } }),
  deleteFile: async ({ site }) => ({ id: (await shelve(site, 10)).file.id }),
  listChecksums: nothing,
  listFiles: nothing,
  getFile: download(nothing),
  listFileVersions: download(nothing),
  getFileContent: download(nothing),

  listCollections: withCollection,
  addCollection: () => ({ json: { name: 'Papers', note: 'Of 2026' } }),
  getCollection: withCollection,
  changeCollection: async (somebody) => ({ ...(await withCollection(somebody)), json: { name: 'Minutes' } }),
  deleteCollection: withCollection,
  listFilesOfCollection: withCollection,
  getCollectionZip: withCollection,
  listChecksumsOfCollection: withCollection,
  addFileToCollection: async (somebody) => ({
    ...(await withCollection(somebody)),
    secondId: (await shelve(somebody.site, 10)).file.id,
  }),
  removeFileFromCollection: withCollection,
};

/** Every operation of the API, with what it takes to do what it is there for. */
export const rightCalls: Readonly<Record<string, Prepare>> = { ...ownCalls, ...(await callsOfRooms()) };
