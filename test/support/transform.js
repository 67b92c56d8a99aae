import { transformSync } from '@babel/core';
import swc from '@swc/jest';
import istanbul from 'babel-plugin-istanbul';

/**
 * Jest's transformer: swc and, where coverage is asked for, istanbul's counters first. They stand in the source as it was
 * written, so that no branch is counted which only decorators become; V8's own counting takes three times as long.
 */
export default {
  createTransformer(options) {
    const { process, processAsync, getCacheKey } = swc.createTransformer(options);
    const counted = (source, path, { instrument }) => (instrument ? withCounters(source, path) : source);
    return {
      canInstrument: true,
      process: (source, path, rest) => process(counted(source, path, rest), path, rest),
      processAsync: (source, path, rest) => processAsync(counted(source, path, rest), path, rest),
      getCacheKey: (source, path, rest) => `${getCacheKey(source, path, rest)}${rest.instrument ? '-counted' : ''}`,
    };
  },
};

function withCounters(source, filename) {
  const { code } = transformSync(source, {
    filename,
    babelrc: false,
    configFile: false,
    retainLines: true,
    parserOpts: { plugins: ['typescript', 'decorators-legacy'] },
    plugins: [[istanbul, { cwd: process.cwd(), excludeNodeModules: false }]],
  });
  return code;
}
