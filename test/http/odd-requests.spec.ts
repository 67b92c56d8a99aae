import { describe, expect, it } from '@jest/globals';
import { aSite, startApp } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { person } from '../support/people.js';
import { askRaw } from '../support/raw.js';

const site = aSite(() => startApp({ TRUST_PROXY: '127.0.0.1', RATE_LIMITS: 'on' }));

it('the first visitor, who writes the address in another way, changes the page of nobody after them', async () => {
  for (const target of ['http://gatehouse.example/', '/#x', '/?x'])
    expect((await askRaw(site.url, target)).body).toContain('<title>Gatehouse</title>');
  expect((await askRaw(site.url, '/')).body).toContain('<title>Gatehouse</title>');
});

it.each(['garbage', '203.0.113.9:54321', '[2001:db8::1]:443', 'fe80::1%eth0', '::ffff:203.0.113.9', ',', '0x7f.1', ''])(
  'a proxy that forwards the address "%s" keeps nobody from logging in',
  async (address) => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': address };
    const post = (path: string, body: object) =>
      fetch(new URL(path, site.url), { method: 'POST', headers, body: JSON.stringify(body) });
    const who = person();
    expect((await post('/api/v1/auth/register', who)).status).toBe(201);
    expect((await post('/api/v1/auth/login', who)).status).toBe(200);
    expect((await post('/api/v1/auth/login', { ...who, password: 'wrong password' })).status).toBe(401);
  },
);

describe('an address that the router cannot read', () => {
  const odd = ['%', '%zz', '%ff', '%ED%A0%80', 'a'.repeat(300)];

  it.each(odd)('is a problem like any other of the API: %s', async (part) => {
    const { status, headers, body } = await askRaw(site.url, `/api/v1/files/${part}`);
    expect([400, 404, 414, 401]).toContain(status);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(headers['x-request-id']).toMatch(/^[\w-]{36}$/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(JSON.parse(body)).toMatchObject({ status });
  });

  it.each(odd)('is a page like any other that is not there: %s', async (part) => {
    const { status, headers, body } = await askRaw(site.url, `/files/${part}/download`);
    expect([303, 400, 404, 414]).toContain(status);
    if (status === 303) return;
    expect(headers['content-type']).toMatch(/^text\/html/);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(body).toContain('What you can do');
  });
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
