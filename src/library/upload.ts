import type { MultipartFileStream } from '@nestjs/platform-fastify/multipart';
import { InvalidInput } from '../http/errors.js';
import type { Upload } from './library.service.js';

/** What a form's part named `file` holds. @throws InvalidInput where there is none, or nobody chose a file. */
export function uploadOf(part: MultipartFileStream | undefined): Upload {
  if (!part?.originalname) throw new InvalidInput([{ field: 'file', message: 'Please choose a file.' }]);
  return { name: part.originalname, bytes: part.stream };
}
