import { configureRoute } from './route-config.js';

type UploadKind = 'form' | 'raw' | 'pieces';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The form of a body that may take long to arrive: in a form, raw, or in pieces. */
    takesUploads?: UploadKind;
  }
}

/** The type of a piece of a resumable upload (tus 1.0). */
export const piece = 'application/offset+octet-stream';

/**
 * A route whose body may be large. It may take any time to arrive, but the connection closes if nothing arrives for a
 * while.
 * - `raw`: `request.body` is a stream, whatever its content type is.
 * - `pieces`: `request.body` is a stream if its content type is that of a tus piece.
 * - `form`: `@FormFile()` gives the file.
 */
export const TakesUploads = (how: UploadKind = 'form') => configureRoute({ takesUploads: how });
