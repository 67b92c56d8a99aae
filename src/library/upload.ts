import { InvalidInput } from '../http/errors.js';
import type { SentFile } from '../http/form-with-file.js';
import type { Upload } from './library.service.js';

/** What a form's part named `file` holds. @throws InvalidInput if there is none, or nobody chose a file. */
export function uploadOf(sent: SentFile | undefined): Upload {
  if (!sent?.name) throw new InvalidInput([{ field: 'file', message: 'Please choose a file.' }]);
  return { name: sent.name, bytes: sent.bytes };
}
