import { AsyncLocalStorage } from 'node:async_hooks';
import { connect } from 'node:net';
import pg from 'pg';
import { secondMs } from '../config/durations.js';

const queryTimeout = new AsyncLocalStorage<number>();

/** Does work that no person waits for. On PostgreSQL each of its statements may take this many milliseconds. */
export const withQueryTimeout = <Done>(milliseconds: number, work: () => Done): Done =>
  queryTimeout.run(milliseconds, work);

/**
 * Inside the work of `withQueryTimeout`, runs a query with the normal timeout, because a person may wait for the same
 * answer.
 */
export const withoutQueryTimeout = <Done>(work: () => Done): Done => queryTimeout.exit(work);

/**
 * A connection to PostgreSQL that closes after the first statement that gets no answer in time. Otherwise the next user
 * of the connection would wait for the old answer, and a transaction that is open on it would include their writes.
 */
export class PostgresClient extends pg.Client {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- pg has seven ways to ask, and all are passed on
  override query(...given: any[]): any {
    const [text, values] = given as [unknown, unknown];
    const milliseconds = queryTimeout.getStore();
    const isPlain = typeof text === 'string' && typeof values !== 'function';
    const config = isPlain && milliseconds !== undefined ? [{ text, values, query_timeout: milliseconds }] : given;
    const asked: unknown = super.query(...(config as [pg.QueryConfig]));
    if (asked instanceof Promise)
      asked.catch((error: unknown) => {
        if (!isTooLate(error)) return;
        cancel(this);
        void this.end();
      });
    return asked;
  }
}

/**
 * Asks the server to stop the statement of a client (CancelRequest, in PostgreSQL's message formats). Otherwise the
 * server would continue, hold its locks, and write data after the caller was told that the write failed. It does not
 * wait for a server that does not answer.
 */
function cancel(client: pg.Client): void {
  const { host, port, processID, secretKey } = client as pg.Client & { processID?: number; secretKey?: number };
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return;
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(80_877_102, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  socket.on('error', () => undefined);
  socket.setTimeout(5 * secondMs, () => socket.destroy());
  socket.unref();
  socket.end(request);
}

const isTooLate = (error: unknown) => error instanceof Error && error.message === 'Query read timeout';
