import { stringify } from 'csv-stringify/sync';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';

/** A table of comma-separated values (RFC 4180): the names of its columns, and its rows in batches. */
export interface Table<Row extends object> {
  readonly columns: readonly (keyof Row & string)[];
  readonly batches: AsyncIterable<readonly Row[]>;
}

/** Sets the headers of an answer that is a CSV file with this name. */
export const announceCsv = (reply: FastifyReply, fileName: string) =>
  reply.headers({
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': `attachment; filename="${fileName}"`,
    'cache-control': 'private, no-store',
  });

/** Streams a table as CSV, one piece for each batch, so that only one batch is in memory. */
export const streamCsv = <Row extends object>(table: Table<Row>): Readable =>
  Readable.from(piecesOf(table), { objectMode: false });

async function* piecesOf<Row extends object>({ columns, batches }: Table<Row>): AsyncGenerator<string> {
  // without the byte order mark, spreadsheets do not read UTF-8
  yield stringify([[...columns]], { record_delimiter: 'windows', bom: true });
  for await (const rows of batches)
    if (rows.length > 0)
      yield stringify(
        rows.map((row) => columns.map((column) => cellOf(row[column]))),
        // quote every cell, so that a program with another separator finds none inside a cell
        { record_delimiter: 'windows', quoted: true },
      );
}

const cellOf = (value: unknown): unknown => (typeof value === 'string' ? withoutFormula(value) : value);

/** Characters that begin a formula, also in full width, as East Asian keyboards type them. */
const signs = '=+\\-@＝＋－＠﹦﹢﹣﹫';
const atBeginning = new RegExp(`^(?=[\\t\\r\\n]|[\\s"]*[${signs}])`, 'u');
const afterSeparator = new RegExp(`([;,|:\\t\\r\\n][\\s"]*)(?=[${signs}])`, 'gu');

/**
 * Text that no spreadsheet reads as a formula: an apostrophe goes before anything that would begin one. Inside a cell,
 * after a separator, the quotes around the cell are enough. But if the text has quotes of its own, some programs read
 * them wrongly, so an apostrophe goes there too. (OWASP, CSV Injection)
 */
export function withoutFormula(text: string): string {
  const inside = text.includes('"') ? text.replace(afterSeparator, "$1'") : text;
  return inside.replace(atBeginning, "'");
}
