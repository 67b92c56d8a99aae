import { describe, expect, it } from '@jest/globals';
import { startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { eventually } from '../support/database.js';
import { setUpAuthenticator } from '../support/factors.js';
import { linkIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';
import { askRaw } from '../support/raw.js';
import { shelve } from '../support/stored.js';

const site = aSite(() => startWithAdmin());

interface Line {
  readonly time?: unknown;
  readonly msg?: string;
  readonly event?: string;
  readonly outcome?: string;
  readonly memberId?: string | null;
  readonly address?: string;
  readonly requestId?: string;
  readonly status?: number;
  readonly path?: string;
  readonly member?: string;
}

const lines = () =>
  site
    .log()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

const ids = async (script: Script) => ((await (await script.ask('/api/v1/users/me')).json()) as { id: string }).id;

/** The line of an answer, once it is written. */
async function lineOf(answer: Response): Promise<Line | undefined> {
  await answer.arrayBuffer();
  const requestId = answer.headers.get('x-request-id');
  const find = () => lines().find((line) => line.msg === 'answered' && line.requestId === requestId);
  await eventually(() => find() !== undefined);
  return find();
}

describe('the log', () => {
  it('has a line for whatever bears on logging in, right or wrong, with when, where from, whose and in which request', async () => {
    const { who, script, nextCode, recoveryCodes } = await setUpAuthenticator(site);
    const memberId = await ids(script);
    const { email, password } = who;
    const next = 'another sentence of my own';
    const logIn = async (code: string, over = {}) => {
      const browser = new Visitor(site.url);
      await browser.ask('/login', { form: { email, password, ...over } });
      await browser.ask('/login/factor', { form: { code } });
      return browser;
    };
    await new Visitor(site.url).ask('/login', { form: { email, password: 'a wrong one' } });
    await logIn('000000');
    await logIn(recoveryCodes[0] ?? '');
    const browser = await logIn(await nextCode());
    await browser.ask('/account/proof', { form: { password: 'a wrong one' } });
    await browser.ask('/account/proof', { form: { password } });
    await browser.ask('/account/tokens', { form: { name: 'a token', scope: 'read', days: '1' } });
    await browser.ask('/account/password', { form: { currentPassword: 'a wrong one', password: next } });
    await browser.ask('/account/sessions/end-others', { form: {} });
    await browser.ask('/logout', { form: {} });
    await new Visitor(site.url).ask('/login/link', { form: { email } });
    const guest = new Visitor(site.url);
    await guest.ask('/password/forgot', { form: { email } });
    const link = new URL(linkIn(await waitForMail(site, email, /new password|reset/i)));
    const token = link.searchParams.get('token') ?? '';
    await guest.ask(link.pathname, { form: { token, password: next } });

    const own = lines().filter((line) => line.memberId === memberId);
    const said = new Set(own.map(({ event, outcome }) => `${event} ${outcome}`));
    expect([...said].sort()).toEqual(
      expect.arrayContaining([
        'account.registered success',
        'factor.added success',
        'factor.recovery-code-used success',
        'password.reset success',
        'password.reset-asked success',
        'session.began refused',
        'session.began success',
        'session.ended success',
        'session.link-asked success',
        'session.others-ended success',
        'session.proved refused',
        'session.proved success',
        'session.second-step-asked success',
        'token.made success',
      ]),
    );
    for (const line of own)
      expect(line).toMatchObject({
        time: expect.anything() as unknown,
        address: '127.0.0.1',
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      });
  });

  it('has a line for whoever is refused, by what they may not do, what they send, or where it comes from', async () => {
    const [browser, script] = [new Visitor(site.url), new Script(site.url)];
    const who = await browser.register();
    await script.logIn(who);
    const member = await ids(script);
    const { file } = await shelve(site, 10);
    const elsewhere = { 'sec-fetch-site': 'cross-site', origin: 'https://elsewhere.example' };
    const asks: [Promise<Response>, number, string | undefined][] = [
      [browser.ask('/admin/members'), 403, member],
      [script.ask('/api/v1/users'), 403, member],
      [script.ask(`/api/v1/files/${file.id}`, { method: 'DELETE' }), 403, member],
      [script.ask('/api/v1/files/01a221e7-119e-7281-a585-1f19aca96e2c'), 404, member],
      [new Script(site.url).ask('/api/v1/files'), 401, undefined],
      [new Script(site.url).ask('/api/v1/files', { headers: { authorization: 'Bearer x.y.z' } }), 401, undefined],
      [new Visitor(site.url).ask('/secrets'), 303, undefined],
      [new Visitor(site.url).ask('/register', { form: { email: 'none' } }), 422, undefined],
      [browser.ask('/account/name', { form: { name: 'x' }, headers: elsewhere }), 403, undefined],
      [browser.ask('/login', { form: 'x', headers: { 'content-type': 'text/plain' } }), 415, member],
    ];
    for (const [asking, status, by] of asks) {
      const answer = await asking;
      const line = await lineOf(answer);
      expect(line).toMatchObject({ status, path: new URL(answer.url).pathname, address: '127.0.0.1' });
      expect([line?.path, line?.member]).toEqual([line?.path, by]);
    }
  });

  it('has one object a line, and none that somebody else has written, whatever comes', async () => {
    const forged = '{"level":60,"msg":"forged"}';
    const before = lines().length;
    for (const path of [`/x%0a${encodeURIComponent(forged)}`, '/x"},"msg":"forged","y":{"', '/%00%1b[31mforged'])
      await askRaw(site.url, path.replaceAll(' ', '%20'), { headers: { 'user-agent': `a\tb"}${forged}` } });
    await new Script(site.url).register(person({ name: `A "} ${forged}`, email: `forged+${Date.now()}@example.com` }));
    await eventually(() => lines().length >= before + 5);
    expect(lines().filter(({ msg }) => msg === 'forged')).toEqual([]);
    // eslint-disable-next-line no-control-regex -- what a terminal would obey
    expect(site.log()).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});
