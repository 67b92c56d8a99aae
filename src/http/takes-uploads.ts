import { configureRoute } from './route-config.js';

type UploadKind = 'form' | 'raw' | 'pieces';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How a body comes that may take as long as it needs, as long as it moves: in a form, as it is, or in pieces. */
    takesUploads?: UploadKind;
  }
}

/** A piece of a resumable upload (tus 1.0). */
export const piece = 'application/offset+octet-stream';

/**
 * A route whose body may be large: how long it takes to arrive is not limited, only how long nothing of it moves. A raw
 * one is `request.body` as a stream, whatever it says it is; one of pieces is where it says that it is a piece of tus; a
 * form's file is what `@FormFile()` gives.
 */
export const TakesUploads = (how: UploadKind = 'form') => configureRoute({ takesUploads: how });
