import { InvalidInput } from '../http/errors.js';
import type { SentFile } from '../http/form-with-file.js';
import type { Upload } from './library.service.js';

/**
 * The file that a form sent in its field `file`.
 *
 * @throws InvalidInput if there is no such field, or if no file was chosen.
 */
export function uploadOf(sent: SentFile | undefined): Upload {
  if (!sent?.name) throw new InvalidInput([{ field: 'file', message: 'Please choose a file.' }]);
  return { name: sent.name, bytes: sent.bytes };
}
