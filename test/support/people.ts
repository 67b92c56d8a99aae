import { randomUUID } from 'node:crypto';

/** What a person types to register. */
export interface Person {
  name: string;
  email: string;
  password: string;
}

export const person = (over: Partial<Person> = {}): Person => ({
  name: 'Ada Lovelace',
  email: `ada-${randomUUID()}@example.com`,
  password: 'correct horse battery staple',
  ...over,
});

export interface Ask {
  method?: string;
  /** Posts a form. */
  form?: Record<string, string> | string;
  headers?: Record<string, string>;
}

/** How cookies are called in full, by site and by the beginning of the name: learned from what the sites have set. */
const fullNames = new Map<string, string>();
const suffix = /-[0-9a-f]{8}$/;

/** The cookies of a browser by their full names; each is also found by its name without the mark of the site. */
class Jar extends Map<string, string> {
  constructor(private readonly url: string) {
    super();
  }

  override get(name: string): string | undefined {
    return super.get(this.full(name));
  }

  override has(name: string): boolean {
    return super.has(this.full(name));
  }

  override delete(name: string): boolean {
    return super.delete(this.full(name));
  }

  override set(name: string, value: string): this {
    if (suffix.test(name)) fullNames.set(`${this.url} ${name.replace(suffix, '')}`, name);
    return super.set(this.full(name), value);
  }

  private full(name: string): string {
    return super.has(name) ? name : (fullNames.get(`${this.url} ${name}`) ?? name);
  }
}

/** A browser as far as a test needs one: it keeps cookies, names its origin, and follows no redirect by itself. */
export class Visitor {
  constructor(
    private readonly url: string,
    readonly cookies: Map<string, string> = new Jar(url),
  ) {}

  async ask(path: string, { method, form, headers = {} }: Ask = {}): Promise<Response> {
    const response = await fetch(new URL(path, this.url), {
      method: method ?? (form === undefined ? 'GET' : 'POST'),
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(form !== undefined && {
          'content-type': 'application/x-www-form-urlencoded',
          origin: new URL(this.url).origin,
        }),
        ...headers,
      },
      ...(form !== undefined && { body: new URLSearchParams(form).toString() }),
    });
    for (const line of response.headers.getSetCookie()) this.keep(line);
    return response;
  }

  /** Follows redirects, as a browser does; the last page with the path it stands at. */
  async visit(path: string, options?: Ask): Promise<{ status: number; at: string; html: string; response: Response }> {
    let at = path;
    let response = await this.ask(path, options);
    for (
      let hops = 0;
      hops < 5 && response.status >= 300 && response.status < 400 && response.headers.has('location');
      hops++
    ) {
      const target = new URL(response.headers.get('location') ?? '', new URL(at, this.url));
      at = target.pathname + target.search;
      response = await this.ask(at);
    }
    return { status: response.status, at, html: await response.text(), response };
  }

  async register(who: Person = person()): Promise<Person> {
    const { at } = await this.visit('/register', { form: { ...who } });
    if (at !== '/secrets') throw new Error(`The registration landed on ${at}.`);
    return who;
  }

  private keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';');
    const at = pair.indexOf('=');
    const name = pair.slice(0, at).trim();
    if (attributes.some((attribute) => /^\s*(max-age=0|expires=Thu, 01 Jan 1970)/i.test(attribute)))
      this.cookies.delete(name);
    else this.cookies.set(name, pair.slice(at + 1));
  }
}

/** A script that talks to the API: JSON in and out, a bearer token once it has one, never a cookie. */
export class Script {
  token: string | undefined;

  constructor(private readonly url: string) {}

  async ask(
    path: string,
    { method, json, headers = {} }: { method?: string; json?: unknown; headers?: Record<string, string> } = {},
  ) {
    return fetch(new URL(path, this.url), {
      method: method ?? (json === undefined ? 'GET' : 'POST'),
      headers: {
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(this.token !== undefined && { authorization: `Bearer ${this.token}` }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
  }

  async register(who: Person = person()): Promise<Person> {
    return this.begin('register', who);
  }

  async logIn(who: Person): Promise<Person> {
    return this.begin('login', who);
  }

  private async begin(how: string, who: Person): Promise<Person> {
    const response = await this.ask(`/api/v1/auth/${how}`, { json: who });
    if (!response.ok) throw new Error(`${how} answered ${response.status}: ${await response.text()}`);
    this.token = ((await response.json()) as { access_token: string }).access_token;
    return who;
  }
}
