import { readFileSync, rmSync } from 'node:fs';

/** Says at the end of a run what was done small, and what was skipped and why. Specs tell it by `suite.ts`. */
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
    if (lines.length > 0) process.stderr.write(`\n${lines.join('\n')}\n`);
    rmSync(process.env.SUITE_NOTES, { force: true });
  }
}

function readNotes() {
  try {
    return readFileSync(process.env.SUITE_NOTES, 'utf8').split('\n').filter(Boolean).map(JSON.parse);
  } catch {
    return [];
  }
}
