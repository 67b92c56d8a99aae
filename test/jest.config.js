import { resolve } from 'node:path';

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

const onDatabase = (database) => ({
  ...shared,
  displayName: database,
  globals: { DATABASE: database },
  testMatch: ['<rootDir>/test/http/*.spec.ts'],
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
  testTimeout: 120_000,
  maxWorkers: 2,
  // but for the two that only ever run as processes of their own
  collectCoverageFrom: ['src/**/*.ts', '!src/{main,server,start,gatehouse}.ts'],
  coverageReporters: ['text', 'html'],
  coverageThreshold: { global: { lines: 90, branches: 90 } },
};
