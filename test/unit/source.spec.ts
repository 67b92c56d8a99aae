import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { projectFolder } from '../../src/config/settings.js';

/** A call or a construction: what is called, such as `Math.random`, and the text of each argument. */
interface Use {
  readonly file: string;
  readonly called: string;
  readonly given: readonly string[];
  /** Whether it runs later than its source is loaded. */
  readonly isInFunction: boolean;
}

const read = (path: string) => readFileSync(join(projectFolder, path), 'utf8');

const filesIn = (folder: string, ending: string) =>
  readdirSync(join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .sort();

const sources = filesIn('src', '.ts');
const uses = sources.flatMap((file) => usesIn(read(file), file));
const scripts = filesIn('views/assets', '.js');

/** The files in which something is called that a pattern fits, without their `src/`. */
const whoCalls = (pattern: RegExp, all = uses) => [
  ...new Set(all.filter(({ called }) => pattern.test(called)).map(({ file }) => file.replace(/^src\//, ''))),
];

describe('a look at a source', () => {
  const seen = usesIn(
    `import { createHash } from 'node:crypto';
     const a = new RegExp(text, 'u'), b = Math.random(), c = globalThis.eval(text), d = createHash('md5').update(x);
     // eval('not this')`,
    'a.ts',
  );

  it('finds each call and each construction, with what it is given', () => {
    expect(seen.map(({ called, given }) => `${called}(${given.join()})`)).toEqual([
      "RegExp(text,'u')",
      'Math.random()',
      'globalThis.eval(text)',
      "createHash('md5').update(x)",
      "createHash('md5')",
    ]);
  });

  it('finds the modules that a source imports', () => {
    expect(importsIn(`import a from 'a'; import type { B } from 'b'; export * from 'c'; void import('d');`)).toEqual([
      'a',
      'c',
      'd',
    ]);
  });
});

describe('the source of the server', () => {
  it('makes no code out of text', () => {
    expect(sources.length).toBeGreaterThan(200);
    expect(whoCalls(/(^|\.)(eval|Function|runIn\w*Context|compileFunction)$/)).toEqual([]);
    expect(sources.filter((file) => importsIn(read(file)).includes('node:vm'))).toEqual([]);
    // views are compiled from the files of this project alone
    expect(whoCalls(/[Hh]andlebars\.(pre)?compile$/)).toEqual(['http/views.ts', 'mail/letters.ts']);
  });

  it('starts no shell', () => {
    const starts = sources.filter((file) => importsIn(read(file)).includes('node:child_process'));
    for (const file of starts) {
      expect([file, /(?<!\.)\bexec(Sync)?\b|\bfork\b|shell:\s*(true|['"])/.test(read(file))]).toEqual([file, false]);
    }
  });

  it('builds no pattern out of what somebody typed', () => {
    // what is built as a source is loaded knows nothing of any request
    const patterns = uses.filter(({ called, isInFunction }) => called === 'RegExp' && isInFunction);
    expect(whoCalls(/./, patterns)).toEqual(['factors/recovery-codes.ts', 'users/account-fields.ts']);
    // what stands in these are constants of those files, and numbers
    const inside = patterns.flatMap(({ given: [pattern = ''] }) =>
      [...pattern.matchAll(/\$\{([^}]+)\}/g)].map(([, name]) => name),
    );
    expect([...new Set(inside)].sort()).toEqual(['alphabet', 'most']);
  });

  it('asks nobody by HTTP but the service that BREACH_LIST names and, for the doctor, the site itself', () => {
    expect(whoCalls(/^(globalThis\.)?fetch$/)).toEqual(['commands/settings.checks.ts', 'users/breached-passwords.ts']);
    const clients = /^(undici|axios|got|node-fetch|node:(http2|https|dgram|tls))$/;
    expect(sources.filter((file) => importsIn(read(file)).some((name) => clients.test(name)))).toEqual([]);
    for (const { file, given } of uses.filter(({ called }) => /^fetch$/.test(called)))
      expect([file, /redirect: '(error|manual)'/.test(given.join())]).toEqual([file, true]);
  });

  it('takes chance from the system’s generator alone', () => {
    expect(whoCalls(/^Math\.random$/)).toEqual([]);
    const makers = uses.filter(({ called }) => /^random(Bytes|Int|UUID)$/.test(called)).map(({ file }) => file);
    expect(makers.length).toBeGreaterThan(5);
    for (const file of makers) expect([file, importsIn(read(file)).includes('node:crypto')]).toEqual([file, true]);
  });

  it('hashes, signs and encrypts by approved algorithms alone', () => {
    const algorithms = (called: RegExp) =>
      uses.filter((use) => called.test(use.called)).map(({ given: [first = ''], file }) => `${first} in ${file}`);
    expect([...new Set(algorithms(/^createHash$/).filter((use) => !use.startsWith("'sha256'")))]).toEqual([
      // SHA-256 or SHA-512, whichever a client names
      'algorithm in src/uploads/content-digest.ts',
      // the form in which lists of breached passwords are given out
      "'sha1' in src/users/breached-passwords.ts",
    ]);
    expect(algorithms(/^create(Cipher|Decipher)(iv)?$/)).toEqual([
      "'aes-256-gcm' in src/config/keys.ts",
      "'aes-256-gcm' in src/config/keys.ts",
    ]);
    expect(algorithms(/^createHmac$/)).toEqual(["'sha256' in src/config/keys.ts"]);
    expect(algorithms(/^hkdfSync$/)).toEqual(["'sha256' in src/config/keys.ts"]);
    const others = /^(create(Sign|Verify|DiffieHellman|ECDH)|pbkdf2|scrypt|publicEncrypt|privateDecrypt|generateKey)/;
    expect(whoCalls(others)).toEqual([]);
  });

  it('has no room with cryptography in it that docs/security.md does not name', () => {
    const cryptography = /^(node:crypto|@node-rs\/argon2|@nestjs\/jwt|passport-jwt|otpauth|@simplewebauthn\/)/;
    const rooms = sources
      .filter((file) => importsIn(read(file)).some((name) => cryptography.test(name)))
      .map((file) => file.split('/')[1]);
    const [, inventory = ''] = read('docs/security.md').split('## Cryptography');
    expect([...new Set(rooms)].filter((room) => !inventory.split('\n## ')[0]?.includes(`\`${room}\``))).toEqual([]);
  });
});

describe('what runs in a browser', () => {
  const inBrowsers = scripts.flatMap((file) => usesIn(read(file), file));

  it('writes text as text, and runs none', () => {
    expect(scripts.length).toBeGreaterThan(2);
    for (const file of scripts)
      expect([file, /\.(inner|outer)HTML\b|srcdoc|javascript:|\.on[a-z]+\s*=\s*['"]/.exec(read(file))?.[0]]).toEqual([
        file,
        undefined,
      ]);
    expect(
      whoCalls(/(^|\.)(eval|Function|insertAdjacentHTML|write|writeln|createContextualFragment)$/, inBrowsers),
    ).toEqual([]);
    for (const { called, given } of inBrowsers.filter((use) => /^set(Timeout|Interval)$/.test(use.called)))
      expect([called, /^['"`]/.test(given[0] ?? '')]).toEqual([called, false]);
  });

  it('keeps nothing of its own in the browser, and listens to no other window', () => {
    const keeping = /\b(localStorage|sessionStorage|indexedDB|caches\.|document\.cookie|postMessage|onmessage)\b/;
    for (const file of scripts) expect([file, keeping.exec(read(file))?.[0]]).toEqual([file, undefined]);
  });

  it('declares what it uses: no name becomes a global one', () => {
    for (const file of scripts)
      expect([file, /\bvar\b|\bwindow\.\w+\s*=[^=]|\bwith\s*\(/.exec(read(file))?.[0]]).toEqual([file, undefined]);
  });
});

describe('the views', () => {
  it('put in as markup the body of a page alone; all else is text', () => {
    const raw = filesIn('views', '.hbs').flatMap((file) =>
      [...read(file).matchAll(/\{\{\{\s*(\S+?)\s*\}\}\}|\{\{&\s*(\S+)/g)].map(
        ([, one, other]) => `${file}: ${one ?? other}`,
      ),
    );
    expect(raw).toEqual(['views/layouts/main.hbs: body']);
  });
});

describe('what is installed', () => {
  it('is of one version each, known by its SHA-512, and from npm alone', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { integrity?: string; resolved?: string; link?: boolean }>;
    };
    const installed = Object.entries(packages).filter(([path]) => path !== '');
    expect(installed.length).toBeGreaterThan(300);
    const odd = installed.filter(
      ([, { integrity = '', resolved = 'https://', link = false }]) =>
        !integrity.startsWith('sha512-') || !resolved.startsWith('https://') || link,
    );
    expect(odd.map(([path]) => path)).toEqual([]);
  });
});

/** Every call and construction in a source, the outer before the inner. */
function usesIn(text: string, file: string): Use[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Use[] = [];
  const look = (node: ts.Node, isInFunction: boolean): void => {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const called = node.expression.getText(source);
      const given = (node.arguments ?? []).map((argument) => argument.getText(source));
      found.push({ file, called, given, isInFunction });
    }
    ts.forEachChild(node, (child) => look(child, isInFunction || ts.isFunctionLike(node)));
  };
  look(source, false);
  return found;
}

/** The modules that a source loads, not only their types. */
function importsIn(text: string): string[] {
  const source = ts.createSourceFile('a.ts', text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    const from =
      (ts.isImportDeclaration(node) && node.importClause?.phaseModifier !== ts.SyntaxKind.TypeKeyword) ||
      ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : undefined;
    if (from && ts.isStringLiteral(from)) found.push(from.text);
    ts.forEachChild(node, look);
  };
  look(source);
  return found;
}
