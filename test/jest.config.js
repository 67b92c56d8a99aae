import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where specs tell what they do small or skip (`support/suite.ts`), and where processes leave what they counted. */
process.env.SUITE_NOTES ??= join(tmpdir(), `gatehouse-suite-${process.pid}.jsonl`);
process.env.COUNTS ??= join(tmpdir(), `gatehouse-counts-${process.pid}`);

const rootDir = resolve(import.meta.dirname, '..');

/** How a source becomes a module. */
export const swcOptions = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2022',
    keepClassNames: true,
  },
  module: { type: 'es6' },
};

/** The suite runs twice, on a real SQLite and on a real PostgreSQL; what needs no database runs once. */
const shared = {
  rootDir,
  runtime: '<rootDir>/test/support/runtime.js',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest', { ...swcOptions, sourceMaps: true }] },
  modulePathIgnorePatterns: [
    '<rootDir>/dist/',
    '<rootDir>/dist-counted/',
    '<rootDir>/dist-tested/',
    '<rootDir>/.cache/',
  ],
};

/** What `npm test` tries on PostgreSQL too: where most of the SQL is that differs. */
const smallOnPostgres = [
  'schema',
  'library',
  'reach',
  'instants',
  'search',
  'members-list',
  'groups',
  'sessions',
  'store',
];

/** What says nothing of a database, and runs on SQLite alone: words, headers, pages and addresses. */
const onSqliteAlone = [
  'asvs-answers',
  'asvs-connections',
  'asvs-encoding',
  'asvs-gaps',
  'asvs-log',
  'asvs-messages',
  'bodies',
  'breach-list',
  'canary',
  'context-words',
  'cookies',
  'crowd',
  'error-pages',
  'forms',
  'forwarded',
  'head',
  'input',
  'limits',
  'logs',
  'markup',
  'matrix',
  'next',
  'odd-requests',
  'openapi',
  'openapi-answers',
  'page-headers',
  'required-factor',
  'same-origin',
  'ways-kept',
];

const isWhole = process.env.SUITE === 'whole';

function specsOn(database) {
  if (database === 'sqlite' || process.env.SUITE === 'one') return ['<rootDir>/test/http/*.spec.ts'];
  if (isWhole) return [`<rootDir>/test/http/!(${onSqliteAlone.join('|')}).spec.ts`];
  return [`<rootDir>/test/http/(${smallOnPostgres.join('|')}).spec.ts`];
}

const onDatabase = (database) => ({
  ...shared,
  displayName: database,
  globals: { DATABASE: database },
  testMatch: specsOn(database),
  ...(database === 'postgres' && {
    globalSetup: './test/support/start-postgres.ts',
    globalTeardown: './test/support/stop-postgres.ts',
  }),
});

export default {
  rootDir,
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/unit/*.spec.ts'] },
    onDatabase('sqlite'),
    onDatabase('postgres'),
    {
      ...shared,
      displayName: 'process',
      testMatch: ['<rootDir>/test/process/*.spec.ts'],
      globalSetup: './test/support/start-postgres.ts',
      globalTeardown: './test/support/stop-postgres.ts',
    },
    { ...shared, displayName: 'browser', testMatch: ['<rootDir>/test/browser/*.spec.ts'] },
  ],
  reporters: ['default', '<rootDir>/test/support/reporter.js'],
  // for what hangs: a test that is slow on a busy machine is not red
  testTimeout: 600_000,
  // one more than the two cores of a small machine: specs of processes mostly wait
  maxWorkers: 3,
  collectCoverageFrom: ['src/**/*.ts'],
  coverageReporters: ['text', 'html'],
  coverageThreshold: { global: { lines: 90, branches: 90 } },
};
