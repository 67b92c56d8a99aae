import { stringify, type Options } from 'csv-stringify/sync';
import type { ActivityEvent } from '../activity/event.entity.js';
import { presentEvent } from '../activity/event.view.js';

const columns = ['at', 'kind', 'outcome', 'actor', 'target', 'address', 'requestId'];

/** What a spreadsheet would take for a formula is text, whoever chose their name. (OWASP, CSV Injection) */
const options: Options = { columns, escape_formulas: true, record_delimiter: 'windows' };

/** Events as a table of comma-separated values (RFC 4180), a piece for each batch: no more than that is in memory. */
export async function* csvOf(batches: AsyncIterable<readonly ActivityEvent[]>): AsyncGenerator<string> {
  // without the mark at the beginning, spreadsheets do not read UTF-8
  yield stringify([], { ...options, header: true, bom: true });
  for await (const events of batches) if (events.length > 0) yield stringify(events.map(presentEvent), options);
}
