import { beforeAll, describe, expect, it } from '@jest/globals';
import { aSite } from '../support/app.js';
import { fieldOf, messageOf } from '../support/html.js';
import { Visitor, type Person } from '../support/people.js';

const site = aSite();
let ada: Person;
beforeAll(async () => {
  ada = await new Visitor(site.url).register();
});

describe('logging in', () => {
  it('asks a stranger for email and password', async () => {
    const { status, html } = await new Visitor(site.url).visit('/login');
    expect(status).toBe(200);
    expect(html).toContain('<form method="post" action="/login">');
    for (const name of ['email', 'password']) expect(fieldOf(html, name).value).toBeUndefined();
    expect(html).not.toContain('name="next"');
  });

  it('carries the page that a stranger wanted through the form', async () => {
    const { html, at } = await new Visitor(site.url).visit('/secrets?q=a%26b');
    expect(at).toBe('/login?next=%2Fsecrets%3Fq%3Da%2526b');
    expect(fieldOf(html, 'next').value?.replaceAll('&#x3D;', '=')).toBe('/secrets?q=a%26b');
  });

  it('lets a member in and on to the secrets', async () => {
    const visitor = new Visitor(site.url);
    const answer = await visitor.ask('/login', { form: { email: ada.email, password: ada.password } });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/secrets']);
    expect((await visitor.ask('/secrets')).status).toBe(200);
  });

  it('knows an email in any case and with spaces around it', async () => {
    const form = { email: ` ${ada.email.toUpperCase()} `, password: ada.password };
    expect((await new Visitor(site.url).visit('/login', { form })).at).toBe('/secrets');
  });

  it('sends a member who is in already to the secrets', async () => {
    const visitor = new Visitor(site.url);
    await visitor.visit('/login', { form: { email: ada.email, password: ada.password } });
    expect((await visitor.ask('/login')).headers.get('location')).toBe('/secrets');
    expect((await visitor.ask('/login?next=%2Fdownload')).status).toBe(303);
  });
});

describe('after the login', () => {
  const landing = async (next: string) => {
    const form = { email: ada.email, password: ada.password, next };
    return (await new Visitor(site.url).ask('/login', { form })).headers.get('location');
  };

  it.each(['/download', '/secrets?q=a%26b', '/', '/files/1/download'])(
    'a member stands where they wanted: %s',
    async (next) => {
      expect(await landing(next)).toBe(next);
    },
  );

  it.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '/\t/evil.example/',
    '/.//evil.example/',
    'javascript:alert(1)',
    'secrets',
    '/logout',
    '/login',
    '/register',
    '/secrets\r\nSet-Cookie: a=b',
  ])('a member is not led to %j', async (next) => {
    expect(await landing(next)).toBe('/secrets');
  });

  it('no other site’s address is put into the form', async () => {
    const { html } = await new Visitor(site.url).visit(`/login?next=${encodeURIComponent('https://evil.example/')}`);
    expect(html).not.toContain('evil.example');
  });
});

describe('a login that is wrong', () => {
  const wrong = async (email: string, next?: string) => {
    const visitor = new Visitor(site.url);
    const answer = await visitor.ask('/login', {
      form: { email, password: 'a wrong password', ...(next !== undefined && { next }) },
    });
    const location = answer.headers.get('location') ?? '';
    return { visitor, status: answer.status, location, page: await visitor.visit(location) };
  };

  it('says one and the same for an unknown email and a wrong password', async () => {
    const known = await wrong(ada.email);
    const unknown = await wrong('nobody@example.com');
    for (const { status, location, visitor, page } of [known, unknown]) {
      expect([status, location]).toEqual([303, '/login']);
      expect(messageOf(page.html, 'alert')).toBe(
        'That email and password do not match an account here. Please check both and try again.',
      );
      expect((await visitor.ask('/secrets')).status).toBe(303);
    }
    // each page asks a passkey another question
    const challenge = /&quot;challenge&quot;:&quot;[\w-]+&quot;/;
    const [seen, other] = [known, unknown].map(({ page }) => page.html.replace(challenge, ''));
    expect(seen?.replaceAll(ada.email, '')).toBe(other?.replaceAll('nobody@example.com', ''));
  });

  it('keeps the email and where to go, and not the password', async () => {
    const { location, page } = await wrong(ada.email, '/download');
    expect(location).toBe('/login?next=%2Fdownload');
    expect(fieldOf(page.html, 'email').value).toBe(ada.email);
    expect(fieldOf(page.html, 'next').value).toBe('/download');
    expect(page.html).not.toContain('a wrong password');
  });

  it('does not keep where to go on another site', async () => {
    expect((await wrong(ada.email, '//evil.example/')).location).toBe('/login');
  });

  it('tells its message once', async () => {
    const { visitor } = await wrong(ada.email);
    expect(messageOf((await visitor.visit('/login')).html, 'alert')).toBeUndefined();
  });

  it('shows the page again with a message at a field that was left empty', async () => {
    const { status, html } = await new Visitor(site.url).visit('/login', {
      form: { email: ada.email, password: '', next: '/download' },
    });
    expect(status).toBe(422);
    expect(fieldOf(html, 'email').value).toBe(ada.email);
    expect(fieldOf(html, 'password').fault).toBe('Please give your password.');
    expect(fieldOf(html, 'next').value).toBe('/download');
  });

  it('is not made right by an address that carries the credentials', async () => {
    const visitor = new Visitor(site.url);
    const query = new URLSearchParams({ email: ada.email, password: ada.password });
    expect((await visitor.visit(`/login?${query.toString()}`, { form: {} })).status).toBe(422);
    expect((await visitor.ask('/secrets')).status).toBe(303);
  });
});

it('words that somebody else puts into the message’s cookie are not shown', async () => {
  const visitor = new Visitor(site.url);
  const payload = Buffer.from(
    JSON.stringify({ flash: { kind: 'alert', message: 'Send us money' }, aud: 'flash' }),
  ).toString('base64url');
  visitor.cookies.set('gatehouse-flash', `eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.${payload}.`);
  const { status, html } = await visitor.visit('/login');
  expect(status).toBe(200);
  expect(html).not.toContain('Send us money');
  expect(visitor.cookies.has('gatehouse-flash')).toBe(false);
});
