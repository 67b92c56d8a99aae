import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { AudiencesService } from '../../src/audiences/audiences.service.js';
import { Passkey } from '../../src/factors/passkey.entity.js';
import type { Scope, SessionKind } from '../../src/http/access.js';
import { Cookies } from '../../src/http/cookies.js';
import type { Route } from '../../src/http/route-list.js';
import { GroupsService } from '../../src/groups/groups.service.js';
import { LinksService } from '../../src/links/links.service.js';
import { SessionsService } from '../../src/sessions/sessions.service.js';
import { Passwords } from '../../src/users/passwords.js';
import { User } from '../../src/users/user.entity.js';
import type { TestApp } from './app.js';
import { collect } from './collections.js';
import { Visitor } from './people.js';
import { shelve } from './stored.js';

/** Everybody who may knock at a door. What is somebody's belongs to `member`. */
export const roles = [
  'stranger',
  'member',
  'other member',
  'admin',
  'disabled',
  'second factor pending',
  'read token',
  'write token',
  'admin token',
] as const;

export type Role = (typeof roles)[number];

/** What one who knocks carries: a cookie for the pages, a bearer token for the API. */
interface Carried {
  readonly cookie?: string;
  readonly bearer?: string;
}

/** A member, where each route leads that was asked for, and what one in a role carries. */
interface Scene {
  readonly member: User;
  readonly paths: Map<string, string>;
  carried?: Promise<Carried>;
}

/**
 * Makes a new member, a new everybody else and their things, so that no door finds what another has changed. Doors that
 * only read share theirs.
 */
export class Cast {
  private readonly readers = new Map<Role, Promise<Scene>>();

  private constructor(
    private readonly site: TestApp,
    private readonly passwordHash: string,
  ) {}

  static async for(site: TestApp): Promise<Cast> {
    const cast = new Cast(site, await site.app.get(Passwords).hash(password));
    // an admin whom nobody else is, so that none of the others is the last
    await cast.newUser('admin');
    return cast;
  }

  /** Knocks at a route as somebody, with an empty body, and says in a word what became of it. */
  async knock(route: Route, role: Role): Promise<string> {
    const ask = await this.prepare(route, role);
    const answer = await ask();
    await answer.arrayBuffer();
    if (answer.status >= 300 && answer.status < 400)
      return `→${(answer.headers.get('location') ?? '').split('?', 1)[0]?.replace(/[0-9a-f-]{36}/, ':id')}`;
    return answer.status < 300 ? 'ok' : String(answer.status);
  }

  /** Makes all that a route needs, and gives what asks it as somebody, with an empty body. */
  async prepare(route: Route, role: Role): Promise<(headers?: Record<string, string>) => Promise<Response>> {
    const scene = await this.sceneFor(route, role);
    const { member, paths } = scene;
    const path = paths.get(route.path) ?? (await this.pathOf(route, member));
    paths.set(route.path, path);
    const { cookie, bearer } = await (scene.carried ??= this.carriedBy(role, member));
    const hasBody = path.startsWith('/api/') && !['GET', 'HEAD', 'DELETE'].includes(route.method);
    return (headers = {}) =>
      fetch(new URL(path, this.site.url), {
        method: route.method,
        redirect: 'manual',
        headers: {
          origin: new URL(this.site.url).origin,
          ...(cookie && { cookie }),
          ...(bearer && { authorization: `Bearer ${bearer}` }),
          ...(hasBody && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(hasBody && { body: '{}' }),
      });
  }

  private sceneFor({ method, path }: Route, role: Role): Promise<Scene> {
    if (method !== 'GET' || path === '/logout') return this.newScene();
    const scene = this.readers.get(role) ?? this.newScene();
    this.readers.set(role, scene);
    return scene;
  }

  private async newScene(): Promise<Scene> {
    return { member: await this.newUser('member'), paths: new Map() };
  }

  private async carriedBy(role: Role, member: User): Promise<Carried> {
    switch (role) {
      case 'stranger':
        return {};
      case 'member':
        return this.loggedIn(member);
      case 'other member':
        return this.loggedIn(await this.newUser('member'));
      case 'admin':
        return this.loggedIn(await this.newUser('admin'));
      case 'disabled': {
        const carried = await this.loggedIn(member);
        await this.data.getRepository(User).update({ id: member.id }, { disabledAt: new Date() });
        return carried;
      }
      case 'second factor pending': {
        const visitor = new Visitor(this.site.url);
        await visitor.ask('/login', { form: { email: member.email, password } });
        return { cookie: [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
      }
      case 'read token':
        return { bearer: await this.begin(member, 'token', 'read') };
      case 'write token':
        return { bearer: await this.begin(member, 'token', 'write') };
      case 'admin token':
        return { bearer: await this.begin(await this.newUser('admin'), 'token', 'admin') };
    }
  }

  private async loggedIn(user: User): Promise<Carried> {
    return {
      cookie: `${this.site.app.get(Cookies).fullName('session')}=${await this.begin(user, 'browser')}`,
      bearer: await this.begin(user, 'api'),
    };
  }

  private async begin({ id }: User, kind: SessionKind, scope?: Scope): Promise<string> {
    const caller = { address: '127.0.0.1', userAgent: 'a test', requestId: randomUUID() };
    const token = scope && { name: 'a token', scope, days: 1 };
    const begun = await this.site.app.get(SessionsService).begin(id, { kind, caller, ...(token && { token }) });
    if (!begun) throw new Error('The session did not begin.');
    return begun.token;
  }

  private async newUser(role: 'member' | 'admin'): Promise<User> {
    const id = uuid();
    const email = `${id}@example.com`;
    const user: User = {
      id,
      name: 'Ada Lovelace',
      email,
      searchText: email,
      passwordHash: this.passwordHash,
      role,
      emailVerifiedAt: null,
      emailOwnedAt: null,
      awaitingSince: null,
      disabledAt: null,
      createdAt: new Date(),
    };
    await this.data.getRepository(User).insert(user);
    if (role === 'member') await this.givePasskey(user);
    return user;
  }

  private async givePasskey({ id }: User): Promise<void> {
    const credential = { credentialId: randomUUID(), publicKey: 'AAAA', counter: 0, transports: '' };
    const dates = { createdAt: new Date(), lastUsedAt: null };
    await this.data.getRepository(Passkey).insert({ id: uuid(), userId: id, name: 'A key', ...credential, ...dates });
  }

  /** The route's address, with what belongs to the member in its place. */
  private async pathOf({ path }: Route, member: User): Promise<string> {
    if (!path.includes(':')) return path;
    if (path.includes('collections/')) return this.pathInCollection(path, member);
    return path.replace(/:id/, await this.thingIn(path, member)).replace(':memberId', member.id);
  }

  private async thingIn(path: string, member: User): Promise<string> {
    if (path.includes('passkeys/'))
      return (await this.data.getRepository(Passkey).findOneByOrFail({ userId: member.id })).id;
    if (path.includes('invites/'))
      return (await this.site.app.get(LinksService).issue({ kind: 'invite', userId: member.id, lifetime: 60_000 })).link
        .id;
    if (/account\/sessions|me\/sessions/.test(path)) {
      await this.begin(member, 'browser');
      const { items } = await this.site.app.get(SessionsService).listFor(member, { limit: 1 });
      return items[0]?.id ?? '';
    }
    if (path.includes('groups/')) return this.newGroupWith(member);
    if (path.includes('files/')) return this.newFileFor(await this.newGroupWith(member));
    if (/users\/|members\//.test(path)) return member.id;
    return 'nothing';
  }

  private async pathInCollection(path: string, { id: memberId }: User): Promise<string> {
    const shelved = await shelve(this.site, 1);
    const { id } = await collect(this.site, [shelved], { memberId });
    return path.replace(':id', id).replace(':fileId', shelved.file.id);
  }

  private async newFileFor(group: string): Promise<string> {
    const { id } = (await shelve(this.site, 1)).file;
    await this.site.app.get(AudiencesService).set({ fileId: id }, { everyone: false, groups: [group], members: [] });
    return id;
  }

  private async newGroupWith({ id, email }: User): Promise<string> {
    const by = { admin: null, caller: { address: '127.0.0.1', userAgent: 'a test', requestId: randomUUID() } };
    const groups = this.site.app.get(GroupsService);
    const group = await groups.add(`Group ${uuid()}`, by);
    await groups.addMembers(group, [id, email], by);
    return group.id;
  }

  private get data(): DataSource {
    return this.site.app.get(DataSource);
  }
}

const password = 'correct horse battery staple';
