/**
 * The site as `dev.js` runs it. It loads the libraries while the previous site still runs, and the site's own code when
 * it is told to serve. When it is told later that a view or an asset has changed, it loads them again.
 */
const libraries = [
  '@nestjs/core',
  '@nestjs/platform-fastify',
  '@nestjs/swagger',
  '@nestjs/typeorm',
  '@nestjs/jwt',
  '@tus/server',
  'class-validator',
  'handlebars',
  'pg',
];

process.on('disconnect', () => process.exit());
const told = new Promise((resolve) => process.once('message', resolve));
for (const library of libraries) await import(library);
await told;

const { served } = await import('../dist-tested/server.js');
const { Pages } = await import('../dist-tested/http/pages.js');
const site = await served;
process.on('message', () => site.get(Pages).reload());
process.send('it is served');
