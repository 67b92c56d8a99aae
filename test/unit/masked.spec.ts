import { describe, expect, it } from '@jest/globals';
import { masked } from '../../src/commands/masked.js';

describe('a setting that is shown', () => {
  it.each([
    ['databaseUrl', 'postgres://gate:canary@db/site', 'postgres://gate:********@db/site'],
    ['databaseUrl', 'postgres://gate:can@r:y/@db:5432/site', 'postgres://gate:********@db:5432/site'],
    ['databaseUrl', 'postgres://:canary@db/site', 'postgres://:********@db/site'],
    [
      'databaseUrl',
      'postgres://db/site?user=gate&password=canary&ssl=1',
      'postgres://db/site?user=gate&password=********&ssl=1',
    ],
    ['databaseUrl', 'sqlite:/data/gate.db', 'sqlite:/data/gate.db'],
    ['databaseUrl', 'postgres://gate@db/site', 'postgres://gate@db/site'],
    [
      'smtpUrl',
      'smtp://ada:canary@mail.example.org?auth.pass=canary',
      'smtp://ada:********@mail.example.org?auth.pass=********',
    ],
    ['breachList', 'https://canary@ranges.example.org', 'https://********@ranges.example.org'],
    ['breachList', 'https://ranges.example.org?apiKey=canary', 'https://ranges.example.org?apiKey=********'],
    ['breachList', '/lists/pwned.txt', '/lists/pwned.txt'],
    ['appSecret', 'canary', '********'],
    ['adminPassword', 'canary', '********'],
    ['adminEmail', 'ada@example.com', 'ada@example.com'],
    ['port', 3_000, 3_000],
    ['appSecret', undefined, null],
  ] as const)('has its secrets masked and the rest as it is: %s %s', (property, value, shown) => {
    expect(masked(property, value)).toBe(shown);
  });
});
