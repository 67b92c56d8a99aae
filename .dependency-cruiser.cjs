/** The floor plan, held: each room with those below it that it may stand on. */
const ground = ['http', 'database', 'config'];
const services = ['activity', 'mail', 'links', 'limits', ...ground];
const accounts = ['users', 'sessions', 'factors', 'confirmations', ...services];
const rooms = {
  config: [],
  database: ['config'],
  http: ['config', 'database'],
  activity: ground,
  backups: ground,
  mail: ground,
  links: ground,
  limits: ground,
  users: services,
  sessions: ['users', ...services],
  factors: ['sessions', 'users', ...services],
  confirmations: ['factors', 'sessions', 'users', ...services],
  account: ['files', ...accounts],
  members: ['groups', ...accounts],
  store: ground,
  files: ['store', 'sessions', 'users', ...services],
  downloads: ['files', 'store', 'sessions', 'users', ...services],
  groups: accounts,
  audiences: ['groups', 'files', ...accounts],
  collections: ['audiences', 'groups', 'downloads', 'files', 'store', ...accounts],
  library: ['audiences', 'groups', 'files', 'store', ...accounts],
  uploads: ['library', 'files', 'store', ...accounts],
  receipts: ['library', 'files', ...accounts],
  site: ground,
  auth: accounts,
  commands: [
    'backups',
    'uploads',
    'receipts',
    'collections',
    'library',
    'groups',
    'audiences',
    'files',
    'store',
    'members',
    'account',
    ...accounts,
  ],
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
      from: { path: '^src/(?!(server|site-beside)\\.ts)' },
      to: { path: '^src/(app|main|gatehouse)\\.ts$' },
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
      to: { path: `^src/(auth|site|account|members|collections|library|uploads|receipts|commands)/` },
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
