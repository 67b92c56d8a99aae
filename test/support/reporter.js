import { readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';

/** Says at the end of a run which specs took long, what was done small, and what was skipped and why. Specs tell it by `suite.ts`. */
export default class SuiteReporter {
  onRunStart() {
    rmSync(process.env.SUITE_NOTES, { force: true });
  }

  onRunComplete(_contexts, { testResults, numPendingTests }) {
    const notes = readNotes();
    const pending = testResults.flatMap(({ testResults: tests }) => tests.filter(({ status }) => status === 'pending'));
    const small = [...new Set(notes.flatMap((note) => note.small ?? []))];
    const skipped = [
      ...new Set([...notes.flatMap((note) => note.skipped ?? []), ...pending.map((test) => test.fullName)]),
    ];
    const lines = [
      ...(small.length > 0
        ? ['Done small (npm run test:all does them whole):', ...small.map((what) => `  ${what}`)]
        : []),
      ...(skipped.length > 0 ? [`Skipped (${numPendingTests} tests):`, ...skipped.map((what) => `  ${what}`)] : []),
    ];
    if (testResults.length > slowest) lines.unshift(...slowestOf(testResults));
    if (lines.length > 0) process.stderr.write(`\n${lines.join('\n')}\n`);
    rmSync(process.env.SUITE_NOTES, { force: true });
  }
}

const slowest = 15;

function slowestOf(testResults) {
  const timed = testResults.map(({ perfStats, testFilePath, displayName }) => ({
    seconds: (perfStats.end - perfStats.start) / 1_000,
    what: `${displayName?.name ?? ''} ${relative(process.cwd(), testFilePath)}`,
  }));
  timed.sort((one, other) => other.seconds - one.seconds);
  const whole = timed.reduce((sum, { seconds }) => sum + seconds, 0);
  const some = timed.slice(0, slowest).map(({ seconds, what }) => `  ${seconds.toFixed(0).padStart(4)} s  ${what}`);
  return [`The slowest of ${timed.length} files, which took ${whole.toFixed(0)} s in all workers:`, ...some];
}

function readNotes() {
  try {
    return readFileSync(process.env.SUITE_NOTES, 'utf8').split('\n').filter(Boolean).map(JSON.parse);
  } catch {
    return [];
  }
}
