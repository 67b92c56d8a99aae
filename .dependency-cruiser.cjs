/** The floor plan, held: app.module → auth, files, site → users → http, database → config. */
const rooms = {
  config: [],
  database: ['config'],
  http: ['config', 'database'],
  users: ['http', 'database', 'config'],
  files: ['users', 'http', 'database', 'config'],
  site: ['http', 'database', 'config'],
  auth: ['users', 'http', 'database', 'config'],
};

module.exports = {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-tools-in-the-product',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nobody-imports-the-front-door',
      severity: 'error',
      from: { path: '^src/(?!main\\.ts)' },
      to: { path: '^src/(app|main)\\.ts$' },
    },
    ...Object.entries(rooms).map(([room, allowed]) => ({
      name: `${room}-imports-downwards`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: `^src/(${[room, ...allowed].join('|')})/` },
    })),
    {
      // a new room stands on the vocabulary and, where it needs them, on the members
      name: 'a-new-room-imports-downwards',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: `^src/(${Object.keys(rooms).join('|')})/` },
      to: { path: `^src/(auth|site)/` },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
