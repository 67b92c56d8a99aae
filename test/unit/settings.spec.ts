import { describe, expect, it } from '@jest/globals';
import { join, resolve } from 'node:path';
import { projectFolder, readSettings, SettingsError } from '../../src/config/settings.js';

/** The faults that an operator is told of, a line each. */
function faultsOf(environment: Record<string, string>): string[] {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

const variablesOf = (environment: Record<string, string>) =>
  faultsOf(environment).map((fault) => fault.split(' ', 1)[0]);

describe('an operator who sets nothing', () => {
  it('gets a default for everything', () => {
    expect(Object.fromEntries(Object.entries(readSettings({})))).toEqual({
      host: '127.0.0.1',
      port: 3000,
      publicUrl: 'http://localhost:3000',
      dataDir: join(projectFolder, 'storage'),
      databaseUrl: `sqlite:${join(projectFolder, 'storage/gatehouse.db')}`,
      trustProxy: [],
      welcomeFile: join(projectFolder, 'storage/welcome.pdf'),
      rateLimits: 'on',
      logLevel: 'info',
      sessionIdleMinutes: 7 * 24 * 60,
      sessionMaxHours: 30 * 24,
      shutdownSeconds: 30,
      maxConnections: 10_000,
      mailFrom: 'Gatehouse <gatehouse@localhost>',
      emailVerification: 'off',
      requireMfa: 'off',
      activityDays: 365,
      uploadLimit: 10_000_000_000,
    });
  });

  it('gets the same where the variables are there but empty', () => {
    const empty = {
      HOST: '',
      PORT: ' ',
      PUBLIC_URL: '',
      DATA_DIR: '',
      APP_SECRET: '',
      ADMIN_EMAIL: '',
      ADMIN_PASSWORD: '',
      TRUST_PROXY: '',
      SMTP_URL: '',
      MAIL_FROM: '',
      EMAIL_VERIFICATION: '',
      REQUIRE_MFA: '',
      ACTIVITY_DAYS: '',
      BREACH_LIST: '',
      UPLOAD_LIMIT: '',
      LIBRARY_QUOTA: '',
    };
    expect(readSettings(empty)).toEqual(readSettings({}));
  });

  it('is not troubled by variables that are none of ours', () => {
    expect(readSettings({ HOME: '/root', PATH: '/bin', port: '1', isSecure: 'yes' })).toEqual(readSettings({}));
  });
});

describe('an operator who sets something', () => {
  it('has it read as what it is', () => {
    const settings = readSettings({
      HOST: '0.0.0.0',
      PORT: ' 8080 ',
      DATA_DIR: 'somewhere',
      APP_SECRET: '0f8a1c6d94b7e23f5d60a9c81b3e74f2',
      ADMIN_EMAIL: 'ada@example.org',
      ADMIN_PASSWORD: 'a good password',
      TRUST_PROXY: '10.0.0.0/8, ::1 ,192.0.2.7,',
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'trace',
      SESSION_IDLE_MINUTES: '60',
    });
    expect(settings).toMatchObject({
      host: '0.0.0.0',
      port: 8080,
      publicUrl: 'http://localhost:8080',
      dataDir: resolve('somewhere'),
      databaseUrl: `sqlite:${resolve('somewhere/gatehouse.db')}`,
      appSecret: '0f8a1c6d94b7e23f5d60a9c81b3e74f2',
      trustProxy: ['10.0.0.0/8', '::1', '192.0.2.7'],
      rateLimits: 'off',
      logLevel: 'trace',
      sessionIdleMinutes: 60,
    });
  });

  it.each([
    ['https://Files.Example.org/', 'https://files.example.org', true],
    ['HTTPS://files.example.org:443', 'https://files.example.org', true],
    ['https://files.example.org:8443', 'https://files.example.org:8443', true],
    ['http://192.0.2.7:8080', 'http://192.0.2.7:8080', false],
    ['http://localhost', 'http://localhost', false],
  ])('has the address %s taken as the origin that browsers name', (given, publicUrl, isSecure) => {
    const settings = readSettings({ PUBLIC_URL: given });
    expect([settings.publicUrl, settings.isSecure]).toEqual([publicUrl, isSecure]);
  });

  it.each([
    'sqlite:/var/lib/gatehouse.db',
    'sqlite:gatehouse.db',
    'postgres://user:pass@db/name',
    'postgresql://db/name',
  ])('can name the database %s', (url) => {
    expect(readSettings({ DATABASE_URL: url }).databaseUrl).toBe(url);
  });

  it('cannot change it afterwards, and neither can the program', () => {
    const settings = readSettings({});
    expect(Object.isFrozen(settings)).toBe(true);
    expect(() => {
      settings.port = 1;
    }).toThrow(TypeError);
  });
});

describe('an operator who makes a mistake', () => {
  it.each([
    ['PORT', 'abc'],
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['PUBLIC_URL', 'files.example.org'],
    ['PUBLIC_URL', 'ftp://files.example.org'],
    ['PUBLIC_URL', 'https://files.example.org/gate'],
    ['PUBLIC_URL', 'https://files.example.org?a=b'],
    ['PUBLIC_URL', 'https://user:pass@files.example.org'],
    ['DATABASE_URL', 'mysql://db/name'],
    ['DATABASE_URL', 'sqlite:'],
    ['APP_SECRET', 'x'.repeat(31)],
    ['APP_SECRET', 'x'.repeat(64)],
    ['APP_SECRET', 'secret'.repeat(6)],
    ['APP_SECRET', 'changeme-changeme-changeme-changeme'],
    ['APP_SECRET', 'CHANGE_ME_PLEASE_CHANGE_ME_PLEASE'],
    ['APP_SECRET', 'my-super-secret-key-for-production'],
    ['APP_SECRET', 'your-256-bit-secret-your-256-bit-secret'],
    ['APP_SECRET', '0123456789abcdef0123456789abcdef'],
    ['APP_SECRET', 'abcdefghijklmnopqrstuvwxyz123456'],
    ['APP_SECRET', 'qwertyuiopasdfghjklzxcvbnm123456'],
    ['APP_SECRET', 'deadbeefdeadbeefdeadbeefdeadbeef'],
    ['APP_SECRET', '00000000000000000000000000000001'],
    ['TRUST_PROXY', 'proxy.example.org'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', '999.1.1.1'],
    ['TRUST_PROXY', '::1/129'],
    ['TRUST_PROXY', '*'],
    ['RATE_LIMITS', 'no'],
    ['LOG_LEVEL', 'loud'],
    ['SESSION_IDLE_MINUTES', '1'],
    ['SESSION_MAX_HOURS', '8761'],
    ['SHUTDOWN_SECONDS', 'soon'],
    ['MAX_CONNECTIONS', '0'],
  ])('is told that %s is wrong: %s', (variable, value) => {
    expect(variablesOf({ [variable]: value })).toEqual([variable]);
  });

  it('is told of ADMIN_EMAIL that it is none', () => {
    expect(variablesOf({ ADMIN_EMAIL: 'root', ADMIN_PASSWORD: 'a good password' })).toEqual(['ADMIN_EMAIL']);
  });

  it.each([{ ADMIN_EMAIL: 'ada@example.org' }, { ADMIN_PASSWORD: 'a good password' }])(
    'is told which settings come in pairs: %j',
    (environment) => {
      expect(faultsOf(environment)).toEqual(['ADMIN_EMAIL and ADMIN_PASSWORD are set together or not at all']);
    },
  );

  it('is told that a session cannot idle for longer than it lives', () => {
    expect(faultsOf({ SESSION_IDLE_MINUTES: '121', SESSION_MAX_HOURS: '2' })).toEqual([
      'SESSION_IDLE_MINUTES must not be longer than SESSION_MAX_HOURS',
    ]);
    expect(faultsOf({ SESSION_IDLE_MINUTES: '120', SESSION_MAX_HOURS: '2' })).toEqual([]);
  });

  it('is told of all mistakes at once, a line each, and of no secret', () => {
    const environment = {
      PORT: 'abc',
      PUBLIC_URL: 'x',
      LOG_LEVEL: 'loud',
      APP_SECRET: 'too-short-secret',
      TRUST_PROXY: 'x',
      ADMIN_PASSWORD: 'hunter2',
    };
    expect(variablesOf(environment).sort()).toEqual([
      'ADMIN_EMAIL',
      'APP_SECRET',
      'LOG_LEVEL',
      'PORT',
      'PUBLIC_URL',
      'TRUST_PROXY',
    ]);
    const { message } = new SettingsError(faultsOf(environment));
    expect(message.split('\n')).toHaveLength(7);
    expect(message).not.toMatch(/too-short-secret|hunter2/);
  });
});

describe('the most bytes of a file', () => {
  it.each([
    ['1', 1],
    ['500MB', 500_000_000],
    ['2 gb', 2_000_000_000],
    ['1TB', 1_000_000_000_000],
  ])('may be %s', (UPLOAD_LIMIT, bytes) => {
    expect(readSettings({ UPLOAD_LIMIT }).uploadLimit).toBe(bytes);
  });

  it.each(['0', 'much', '1.5GB', '-1', '10PB', '999999999TB'])('may not be %s, nor of all', (wrong) => {
    expect(variablesOf({ UPLOAD_LIMIT: wrong })).toEqual(['UPLOAD_LIMIT']);
    expect(variablesOf({ LIBRARY_QUOTA: wrong })).toEqual(['LIBRARY_QUOTA']);
  });

  it('of all files have no end of their own, or that which is set', () => {
    expect(readSettings({}).libraryQuota).toBeUndefined();
    expect(readSettings({ LIBRARY_QUOTA: '2TB' }).libraryQuota).toBe(2_000_000_000_000);
  });
});
