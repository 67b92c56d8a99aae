import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Assets } from '../../src/http/assets.js';
import { Views, viewsFolder as views } from '../../src/http/views.js';

const assets = new Assets();

it('every view of the site compiles', () => {
  new Views(views, assets).check();
});

describe('a view', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-views-'));
    cpSync(views, folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['a block that is not closed', 'site/home', '{{#if viewer}}Hello', /Parse error/],
    ['a helper that is not there', 'auth/login', '{{shout "hello"}}', /shout/],
    ['a partial that is not there', 'errors/error', '{{> nobody}}', /partial that is not there: nobody/],
    ['a partial with a parameter that is not there', 'errors/error', '{{> nobody a="b"}}', /not there: nobody/],
    ['an asset that is not there', 'site/home', '{{asset "nothing.css"}}', /nothing\.css/],
    ['a tag that is not closed', 'layouts/main', '{{body', /Parse error/],
  ])('with %s is named by a check, and if it is rendered', (_what, view, damage, words) => {
    appendFileSync(join(folder, `${view}.hbs`), damage);
    for (const find of [() => new Views(folder, assets).check(), () => new Views(folder, assets).template(view)({})]) {
      expect(find).toThrow(words);
      expect(find).toThrow(`views/${view}.hbs`);
    }
  });

  it('takes in what a partial says, with and without parameters, and another view none of it', () => {
    writeFileSync(join(folder, 'partials/inner.hbs'), '[{{who}} {{text}}]');
    writeFileSync(join(folder, 'partials/outer.hbs'), '<{{> inner}}{{> inner text="<3"}}>');
    writeFileSync(join(folder, 'site/two.hbs'), '{{> outer}}{{#with other}}{{> outer text=who}}{{/with}}');
    const template = new Views(folder, assets).template('site/two');
    expect(template({ who: 'Ada', text: 'a', other: { who: 'Bob' } })).toBe(
      '<[Ada a][Ada &lt;3]><[Bob Bob][Bob &lt;3]>',
    );
  });

  it('that does not exist is named', () => {
    expect(() => new Views(folder, assets).template('site/nowhere')).toThrow(
      'There is no view views/site/nowhere.hbs.',
    );
  });
});
