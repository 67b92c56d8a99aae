import { stat } from 'node:fs/promises';
import type { DataSource } from 'typeorm';
import type { Settings } from '../config/settings.js';
import { handOver } from '../database/owners.js';
import { FileStore } from '../store/file-store.js';
import { glances } from '../files/glances.js';
import { ok, problem, warning, type Finding } from './finding.js';

const check = 'bytes';

/** Checks that the bytes of all files exist and that the site may read them. It does not read them. */
export async function checkBytes(dataSource: DataSource, settings: Settings): Promise<Finding[]> {
  const owner = await stat(settings.dataDir).then(
    ({ uid }) => uid,
    () => undefined,
  );
  const count = { whole: 0, missing: 0, closed: 0, foreign: 0 };
  const rows = <Row>(sql: string, values: readonly unknown[]) => dataSource.query<Row[]>(sql, [...values]);
  for await (const { state, uid } of glances(rows, new FileStore(settings))) {
    count[state]++;
    if (uid !== undefined && uid !== owner) count.foreign++;
  }
  const { whole, missing, closed, foreign } = count;
  const of = `of ${whole + missing + closed} versions of files`;
  const findings: Finding[] = [];
  if (missing > 0)
    findings.push(
      problem(check, `Those of ${missing} ${of} are missing or cut short: files verify names them. Restore a backup.`),
    );
  if (closed > 0) findings.push(problem(check, `This user may not read those of ${closed} ${of}.`));
  if (foreign > 0)
    findings.push(
      warning(
        'owner',
        `The bytes of ${foreign} ${of} are not user ${owner}'s, whose the data folder is: ${handOver(settings, owner)}`,
      ),
    );
  return findings.length > 0 ? findings : [ok(check, `those of ${whole} versions of files are there`)];
}
