import { createRequire } from 'node:module';
import type sqlite3 from 'sqlite3';
import type { Database, Statement } from 'sqlite3';
import { tryMs, Turns } from './turns.js';

const sqlite = createRequire(import.meta.url)('sqlite3') as typeof sqlite3;

/**
 * A separate connection to an existing SQLite database. Its statements run one after the other, and each is prepared
 * once.
 */
export class SqliteConnection {
  private readonly turns = new Turns();
  private readonly statements = new Map<string, Promise<Statement>>();
  private connection: Promise<Database> | undefined;
  private isClosed = false;

  /** @param setUp SQL that runs first on the connection. */
  constructor(
    private readonly path: string,
    private readonly mode: 'read-only' | 'read-write',
    private readonly setUp = '',
  ) {}

  /**
   * The rows of one statement. Give the values in the order in which `$1`, `$2`, … first appear. Each SQL text stays
   * prepared, so use only a small fixed set of texts.
   */
  async rows(sql: string, values: readonly unknown[]): Promise<unknown[]> {
    const statement = await this.prepare(sql);
    return this.turns.take(
      () =>
        new Promise<unknown[]>((resolve, reject) => {
          statement.all(values, (error, rows) => {
            if (error) reject(error);
            else resolve(rows);
          });
        }),
    );
  }

  /** Stops the statement that runs now. It fails with the code SQLITE_INTERRUPT. */
  interrupt(): void {
    void this.connection?.then((connection) => connection.interrupt()).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const connection = await this.connection;
    if (!connection) return;
    // a statement that could not be prepared has nothing to release
    for (const preparing of await Promise.allSettled(this.statements.values()))
      if (preparing.status === 'fulfilled')
        await new Promise<void>((resolve) => preparing.value.finalize(() => resolve()));
    await new Promise((resolve) => connection.close(resolve));
  }

  /**
   * Prepares each statement once, and shares it with callers that ask at the same time. If it cannot be prepared, the
   * next call tries again.
   */
  private prepare(sql: string): Promise<Statement> {
    if (this.isClosed) return Promise.reject(new Error('The database is closed.'));
    const known = this.statements.get(sql);
    if (known) return known;
    const preparing = (this.connection ??= this.open()).then((connection) => prepareOn(connection, sql));
    this.statements.set(sql, preparing);
    preparing.catch(() => this.statements.delete(sql));
    return preparing;
  }

  private open(): Promise<Database> {
    return new Promise((resolve, reject) => {
      const mode = this.mode === 'read-only' ? sqlite.OPEN_READONLY : sqlite.OPEN_READWRITE;
      const database = new sqlite.Database(this.path, mode, (error) => {
        if (error) reject(error);
        else resolve(database);
      });
      database.configure('busyTimeout', tryMs);
      // use only one thread for this connection, because its threads would wait for each other
      database.serialize();
      if (this.setUp) database.exec(this.setUp);
    });
  }
}

function prepareOn(connection: Database, sql: string): Promise<Statement> {
  return new Promise((resolve, reject) => {
    const statement = connection.prepare(sql, (error: Error | null) => {
      if (error) reject(error);
      else resolve(statement);
    });
  });
}
