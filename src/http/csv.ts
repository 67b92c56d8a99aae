import { stringify } from 'csv-stringify/sync';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';

/** A table of comma-separated values (RFC 4180): what its columns are called, and its rows as they are read. */
export interface Table<Row extends object> {
  readonly columns: readonly (keyof Row & string)[];
  readonly batches: AsyncIterable<readonly Row[]>;
}

/** Says that an answer is a table, which is saved under this name. */
export const announceCsv = (reply: FastifyReply, fileName: string) =>
  reply.headers({
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': `attachment; filename="${fileName}"`,
    'cache-control': 'private, no-store',
  });

/** The one way in which a table leaves: a piece for each batch, so that no more than that is in memory. */
export const streamCsv = <Row extends object>(table: Table<Row>): Readable =>
  Readable.from(piecesOf(table), { objectMode: false });

async function* piecesOf<Row extends object>({ columns, batches }: Table<Row>): AsyncGenerator<string> {
  // without the mark at the beginning, spreadsheets do not read UTF-8
  yield stringify([[...columns]], { record_delimiter: 'windows', bom: true });
  for await (const rows of batches)
    if (rows.length > 0)
      yield stringify(
        rows.map((row) => columns.map((column) => cellOf(row[column]))),
        // also what needs no quotes: a program that takes another separator finds none of its own
        { record_delimiter: 'windows', quoted: true },
      );
}

const cellOf = (value: unknown): unknown => (typeof value === 'string' ? withoutFormula(value) : value);

/** What begins a formula, also as East Asian keyboards write it. */
const signs = '=+\\-@＝＋－＠﹦﹢﹣﹫';
const atBeginning = new RegExp(`^(?=[\\t\\r\\n]|[\\s"]*[${signs}])`, 'u');
const afterSeparator = new RegExp(`([;,|:\\t\\r\\n][\\s"]*)(?=[${signs}])`, 'gu');

/**
 * Text that no spreadsheet takes for a formula, whoever chose it: an apostrophe stands before what would begin one. After a
 * separator the quotes around the cell are enough, unless it has quotes of its own, which not every program reads as such.
 * (OWASP, CSV Injection)
 */
export function withoutFormula(text: string): string {
  const inside = text.includes('"') ? text.replace(afterSeparator, "$1'") : text;
  return inside.replace(atBeginning, "'");
}
