import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  And,
  Any,
  Between,
  DataSource,
  Equal,
  In,
  LessThan,
  LessThanOrEqual,
  MoreThan,
  MoreThanOrEqual,
  Not,
  Or,
  Raw,
  type FindOperator,
} from 'typeorm';
import { dayMs } from '../../src/config/durations.js';
import { Reader } from '../../src/database/reader.js';
import { Writer } from '../../src/database/writer.js';
import { WaitingLetter } from '../../src/mail/waiting-letter.entity.js';
import { startApp, type TestApp } from '../support/app.js';

const midday = Date.parse('2026-01-10T12:00:00Z');
/** Three rows, a day apart; the second is of the very time that is asked about. */
const [before, at, after] = [-dayMs, 0, dayMs].map((ms) => new Date(midday + ms)) as [Date, Date, Date];

/** A condition on a time, and of which rows it is true. */
const conditions: [string, () => FindOperator<unknown> | Date, string[]][] = [
  ['a date alone', () => at, ['at']],
  ['Equal', () => Equal(at), ['at']],
  ['LessThan', () => LessThan(at), ['before']],
  ['LessThanOrEqual', () => LessThanOrEqual(at), ['at', 'before']],
  ['MoreThan', () => MoreThan(at), ['after']],
  ['MoreThanOrEqual', () => MoreThanOrEqual(at), ['after', 'at']],
  ['Between', () => Between(before, at), ['at', 'before']],
  ['In', () => In([before, after]), ['after', 'before']],
  ['Not of a date', () => Not(at), ['after', 'before']],
  ['Not of LessThan', () => Not(LessThan(at)), ['after', 'at']],
  ['Not of Between', () => Not(Between(before, at)), ['after']],
  ['And', () => And(MoreThan(before), LessThan(after)), ['at']],
  ['Or', () => Or(LessThan(at), MoreThan(at)), ['after', 'before']],
  ['Raw', () => Raw((column) => `${column} < :time`, { time: at }), ['before']],
];

describe('a condition on a time', () => {
  let site: TestApp;
  const data = () => site.app.get(DataSource);
  const letters = () => data().getRepository(WaitingLetter);
  const ids = async () => (await letters().find({ order: { id: 'ASC' } })).map(({ id }) => id);
  const others = (found: string[]) => ['after', 'at', 'before'].filter((id) => !found.includes(id));

  beforeAll(async () => {
    // no letter is sent, so that the rows are the test's own
    site = await startApp({ SMTP_URL: 'smtp://127.0.0.1:1' });
  });
  afterAll(() => site.close());

  beforeEach(async () => {
    await letters().clear();
    for (const [id, dueAt] of Object.entries({ before, at, after }))
      await letters().insert({ id, letter: '', createdAt: dueAt, dueAt: new Date('2200-01-01'), tries: 0 });
  });

  it.each(conditions)('finds, deletes and updates the same rows: %s', async (_, condition, expected) => {
    const where = () => ({ createdAt: condition() as Date });
    const found = await letters().find({ where: where(), order: { id: 'ASC' } });
    expect(found.map(({ id }) => id)).toEqual(expected);
    expect(await letters().countBy(where())).toBe(expected.length);

    expect((await letters().update(where(), { tries: 7 })).affected).toBe(expected.length);
    const changed = await letters().find({ where: { tries: 7 }, order: { id: 'ASC' } });
    expect(changed.map(({ id }) => id)).toEqual(expected);

    expect((await letters().delete(where())).affected).toBe(expected.length);
    expect(await ids()).toEqual(others(expected));
  });

  it.each(['<', '<=', '=', '<>', '>=', '>'])('is right in a query builder: %s', async (operator) => {
    const holds = (time: Date) => {
      const [one, other] = [+time, +at];
      return (
        { '<': one < other, '<=': one <= other, '=': one === other, '<>': one !== other }[operator] ??
        (operator === '>' ? one > other : one >= other)
      );
    };
    const expected = Object.entries({ after, at, before }).flatMap(([id, time]) => (holds(time) ? [id] : []));
    const select = letters().createQueryBuilder('l').where(`l."createdAt" ${operator} :at`, { at }).orderBy('l.id');
    expect((await select.getMany()).map(({ id }) => id)).toEqual(expected);
    await letters().createQueryBuilder().delete().where(`"createdAt" ${operator} :at`).setParameters({ at }).execute();
    expect(await ids()).toEqual(others(expected));
  });

  it('is right in statements of SQL', async () => {
    const select = 'SELECT "id" FROM "outbox" WHERE "createdAt" < $1';
    expect(await site.app.get(Reader).rows(select, [at])).toEqual([{ id: 'before' }]);
    const remove = 'DELETE FROM "outbox" WHERE "createdAt" < $1 RETURNING "id"';
    expect(await site.app.get(Writer).rows(remove, [at])).toEqual([{ id: 'before' }]);
    expect(await site.app.get(Writer).quickly(remove, [after])).toEqual([{ id: 'at' }]);
    expect(await site.app.get(Writer).alone(1, remove, [new Date(+after + 1)])).toEqual([{ id: 'after' }]);
  });

  it('is right for a list in one parameter, which PostgreSQL alone has', async () => {
    if (data().options.type !== 'postgres') return;
    await letters().delete({ createdAt: Any([before, after]) as unknown as Date });
    expect(await ids()).toEqual(['at']);
  });
});
