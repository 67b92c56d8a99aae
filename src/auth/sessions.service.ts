import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import DataLoader from 'dataloader';
import { randomUUID } from 'node:crypto';
import { Repository } from 'typeorm';
import { Settings } from '../config/settings.js';
import { Reader } from '../database/reader.js';
import type { Role, Viewer } from '../http/access.js';
import { Session, type SessionKind } from './session.entity.js';
import { SessionTokens } from './session-tokens.js';

const minute = 60_000;
const hour = 60 * minute;
/** As many sessions as one statement looks up; the rest go into the next. */
const lookupSize = 32;

/** A session with its member, as one lookup reads them. */
interface Row {
  id: string;
  kind: SessionKind;
  lastSeenAt: number | string;
  expiresAt: number | string;
  userId: string;
  name: string;
  email: string;
  role: Role;
  createdAt: number | string;
}

/**
 * Sessions: a row each, and a signed token that names it. The row decides: once it is gone, or its member disabled,
 * the token opens nothing from the next request on, in every process on the same database.
 */
@Injectable()
export class SessionsService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Sessions');
  private reading = Promise.resolve<undefined>(undefined);
  private sweeper: NodeJS.Timeout | undefined;

  /**
   * Gathers lookups into one statement: those of one turn of the event loop, and those that come while another is
   * under way. Nothing is cached: a lookup that is asked for now reads the database after now.
   */
  private readonly lookups = new DataLoader<string, Row | undefined>((ids) => this.read(ids), {
    cache: false,
    maxBatchSize: lookupSize,
    batchScheduleFn: (run) => void this.reading.finally(() => setImmediate(run)),
  });

  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    private readonly reader: Reader,
    private readonly tokens: SessionTokens,
    private readonly settings: Settings,
  ) {}

  /** Begins a session and gives the token that stands for it; `expiresIn` is in seconds. */
  async begin(userId: string, kind: SessionKind): Promise<{ token: string; expiresIn: number }> {
    const now = new Date();
    const lifetime = this.settings.sessionMaxHours * hour;
    const session: Session = {
      id: randomUUID(),
      userId,
      kind,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: new Date(now.getTime() + lifetime),
    };
    await this.sessions.insert(session);
    return { token: this.tokens.sign(session), expiresIn: lifetime / 1_000 };
  }

  /** The member whose live session this is, or undefined where it has ended, idled out, or its member is disabled. */
  async findViewer(id: string, kind: SessionKind): Promise<Viewer | undefined> {
    const row = await this.lookups.load(id);
    if (row?.kind !== kind) return undefined;
    const now = Date.now();
    if (now >= Number(row.expiresAt) || Number(row.lastSeenAt) <= now - this.idleLimit) return undefined;
    return {
      id: row.userId,
      name: row.name,
      email: row.email,
      role: row.role,
      createdAt: new Date(Number(row.createdAt)),
      session: { id: row.id, lastSeenAt: new Date(Number(row.lastSeenAt)) },
    };
  }

  /** Notes that the session was used; writes at most once a minute. */
  async touch({ session: { id, lastSeenAt } }: Viewer): Promise<void> {
    const now = Date.now();
    const before = now - minute;
    if (lastSeenAt.getTime() > before) return;
    await this.sessions
      .createQueryBuilder()
      .update({ lastSeenAt: new Date(now) })
      .where('"id" = :id AND "lastSeenAt" <= :before', { id, before })
      .execute();
  }

  /** Ends one session; its token is dead on the next request. */
  async end(id: string): Promise<void> {
    await this.sessions.delete({ id });
  }

  onApplicationBootstrap(): void {
    this.sweeper = setInterval(() => void this.sweep(), hour).unref();
    void this.sweep();
  }

  onApplicationShutdown(): void {
    clearInterval(this.sweeper);
  }

  /** Deletes the sessions that nothing can use any more. */
  private async sweep(): Promise<void> {
    const now = Date.now();
    try {
      await this.sessions
        .createQueryBuilder()
        .delete()
        .where('"expiresAt" <= :now OR "lastSeenAt" <= :idleSince', { now, idleSince: now - this.idleLimit })
        .execute();
    } catch (error) {
      // they are refused all the same; the next sweep tries again
      this.logger.warn({ err: error }, 'ended sessions could not be deleted');
    }
  }

  private get idleLimit(): number {
    return this.settings.sessionIdleMinutes * minute;
  }

  private async read(ids: readonly string[]): Promise<(Row | undefined)[]> {
    const wanted = [...new Set(ids)];
    const { size, sql } = lookups.find((lookup) => lookup.size >= wanted.length) ?? largestLookup;
    const values = Array.from({ length: size }, (_, index) => wanted[index] ?? null);
    const reading = this.reader.rows<Row>(sql, values);
    this.reading = reading.then(
      () => undefined,
      () => undefined,
    );
    const rows = await reading;
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  }
}

const lookupOf = (size: number) => ({
  size,
  sql: `
    SELECT s."id", s."kind", s."lastSeenAt", s."expiresAt", u."id" AS "userId", u."name", u."email", u."role", u."createdAt"
    FROM "sessions" s JOIN "users" u ON u."id" = s."userId"
    WHERE u."disabledAt" IS NULL AND s."id" IN (${Array.from({ length: size }, (_, index) => `$${index + 1}`).join(', ')})`,
});

/** One statement for each of a few sizes, so that each is prepared once. */
const largestLookup = lookupOf(lookupSize);
const lookups = [...[1, 2, 4, 8, 16].map(lookupOf), largestLookup];
