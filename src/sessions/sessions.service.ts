import { Injectable, UnauthorizedException, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import DataLoader from 'dataloader';
import { Repository, type SelectQueryBuilder } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { dayMs, hourMs, minuteMs } from '../config/durations.js';
import { Settings } from '../config/settings.js';
import { Reader } from '../database/reader.js';
import { Writer } from '../database/writer.js';
import type { Scope, SessionKind, Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';
import { Chores } from '../http/chores.js';
import { networkOf } from '../http/network.js';
import { newestId, cursorPageOf, type PagingInput, type CursorPage } from '../http/paging.input.js';
import { Session } from './session.entity.js';
import { SessionTokens } from './session-tokens.js';
import { hasFactor, largestLookup, lookupFor, type SessionKey, type SessionRow } from './session-lookup.js';

/** How to begin a session. */
export interface Beginning {
  readonly kind: SessionKind;
  readonly caller: Caller;
  readonly isRemembered?: boolean;
  /** The hash that the given password was checked against. If the password has changed since, no session begins. */
  readonly passwordHash?: string;
  /** Whether the login used no second factor. If one has been set up since, no session begins. */
  readonly isWithoutFactor?: boolean;
  /** The details of a personal token. `days` is how long it lasts. */
  readonly token?: { readonly name: string; readonly scope: Scope; readonly days: number };
  /** Whether the session has expired before it begins. This does the same work as a real login but lets nobody in. */
  readonly isOver?: boolean;
}

/** A session, its token, and how many seconds it lasts at most. */
export interface Begun {
  readonly id: string;
  readonly token: string;
  readonly expiresIn: number;
}

/** A session that continues with another token. */
export interface Renewed extends Begun {
  readonly isRemembered: boolean;
}

/**
 * Sessions. Each is a row, with a signed token that names it. If the row is deleted or its member is disabled, the
 * token stops working from the next request on, in every process that uses the same database.
 */
@Injectable()
export class SessionsService implements OnModuleInit {
  private reading = Promise.resolve<undefined>(undefined);
  private readonly byToken = this.lookupBy('tokenId');
  private readonly byId = this.lookupBy('id');

  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    private readonly reader: Reader,
    private readonly writer: Writer,
    private readonly tokens: SessionTokens,
    private readonly settings: Settings,
    private readonly chores: Chores,
  ) {}

  /**
   * Begins a session for a member who may log in. Gives undefined if the member may not log in any more, or has changed
   * their password or set up a second factor in the meantime. The statement that writes the row checks this too, so
   * that nothing can change between the check and the write.
   */
  async begin(userId: string, beginning: Beginning): Promise<Begun | undefined> {
    const { kind, caller, isRemembered = false, passwordHash, isWithoutFactor = false, token, isOver } = beginning;
    const id = uuid();
    const now = Date.now();
    const lifetime = token ? token.days * dayMs : this.settings.sessionMaxHours * hourMs;
    const expiresAt = isOver ? now : now + lifetime;
    const [row] = await this.writer.rows<Pick<Session, 'tokenId'>>(beginningOf(this.writer.forShare), [
      id,
      uuid(),
      kind,
      token?.name ?? null,
      token?.scope ?? null,
      isRemembered,
      caller.userAgent,
      caller.address,
      now,
      token ? 0 : now,
      token ? null : now,
      expiresAt,
      userId,
      passwordHash ?? null,
      isWithoutFactor,
    ]);
    if (!row) return undefined;
    const signed = { ...row, userId, kind, createdAt: new Date(now), expiresAt: new Date(expiresAt) };
    return { id, token: this.tokens.sign(signed), expiresIn: lifetime / 1_000 };
  }

  /**
   * The member that a token belongs to. Gives undefined if the session has ended or timed out, or its member is
   * disabled.
   */
  async findViewer(tokenId: string, kind: SessionKind): Promise<Viewer | undefined> {
    const row = await this.byToken.load(tokenId);
    return row?.kind === kind ? this.viewerOf(row) : undefined;
  }

  /**
   * The member of a live session, even if it has been given another token. Gives undefined if the session has ended.
   */
  async findLive(id: string): Promise<Viewer | undefined> {
    const row = await this.byId.load(id);
    return row && this.viewerOf(row);
  }

  /** Notes that the session was used. Writes at most once a minute. */
  async touch({ session: { id, lastSeenAt } }: Pick<Viewer, 'session'>): Promise<void> {
    const now = Date.now();
    const before = now - minuteMs;
    if (lastSeenAt.getTime() > before) return;
    await this.sessions
      .createQueryBuilder()
      .update({ lastSeenAt: new Date(now) })
      .where('"id" = :id AND "lastSeenAt" <= :before', { id, before })
      .execute();
  }

  /**
   * Notes that the member has just proved again who they are. The session continues with a new token. The old one,
   * which somebody may have seen, stops working from the next request on (ASVS 5.0 7.2.4). If two requests prove with
   * the same token at once, as when a form is sent twice, both get the same new token.
   *
   * @throws UnauthorizedException if the session has ended.
   */
  prove(viewer: Pick<Viewer, 'id' | 'session'>): Promise<Renewed> {
    const now = new Date();
    return this.renewAt(now, viewer, now);
  }

  /**
   * Gives a session a new token, as `prove` does, but without a proof.
   *
   * @throws UnauthorizedException if the session has ended.
   */
  renew(viewer: Pick<Viewer, 'id' | 'session'>): Promise<Renewed> {
    return this.renewAt(new Date(), viewer, null);
  }
  /** A member's live sessions and tokens, the newest first. */
  async listFor({ id }: Pick<Viewer, 'id'>, { limit, cursor = newestId }: PagingInput): Promise<CursorPage<Session>> {
    const found = await this.live()
      .andWhere('s."userId" = :userId AND s."id" < :cursor', { userId: id, cursor })
      .orderBy('s.id', 'DESC')
      .limit(limit + 1)
      .getMany();
    return cursorPageOf(found, limit);
  }

  /** Whether any live session of this member began in the same network as this address. */
  async isKnownNetwork(userId: string, address: string): Promise<boolean> {
    const addresses = await this.live()
      .andWhere('s."userId" = :userId', { userId })
      .select('DISTINCT s."address"', 'address')
      .getRawMany<{ address: string }>();
    return addresses.some((known) => networkOf(known.address) === networkOf(address));
  }

  /** Ends one session. Its token stops working from the next request on. */
  async end(id: string): Promise<void> {
    await this.sessions.delete({ id });
  }

  /** A live session or token of this member, or undefined if it is not theirs. */
  async findOf({ id: userId }: Pick<Viewer, 'id'>, id: string): Promise<Session | undefined> {
    const session = await this.live().andWhere('s."userId" = :userId AND s."id" = :id', { userId, id }).getOne();
    return session ?? undefined;
  }

  /** Ends a session or token of this member and gives what it was. Gives undefined if it is not theirs. */
  async endFor({ id: userId }: Pick<Viewer, 'id'>, id: string): Promise<Session | undefined> {
    const session = await this.findOf({ id: userId }, id);
    if (!session) return undefined;
    const { affected } = await this.sessions.delete({ id, userId });
    return affected === 1 ? session : undefined;
  }

  /** Ends all sessions and tokens of a member, except the one to keep. */
  async endAllOf(userId: string, keptId = ''): Promise<void> {
    await this.sessions
      .createQueryBuilder()
      .delete()
      .where('"userId" = :userId AND "id" <> :keptId', { userId, keptId })
      .execute();
  }

  onModuleInit(): void {
    // a session that has ended is refused even before it is deleted
    this.chores.every(hourMs, () => this.sweep(), 'ended sessions could not be deleted');
  }

  private async renewAt(
    now: Date,
    { id: userId, session: { id, tokenId, kind } }: Pick<Viewer, 'id' | 'session'>,
    provenAt: Date | null,
  ): Promise<Renewed> {
    const values = [tokenId, uuid(), provenAt?.getTime() ?? null, id];
    const [row] = await this.writer.rows<Pick<SessionRow, 'tokenId' | 'isRemembered' | 'expiresAt'>>(renewal, values);
    if (!row) throw new UnauthorizedException('Your session has ended. Please log in again.');
    const expiresAt = new Date(Number(row.expiresAt));
    const expiresIn = Math.floor((expiresAt.getTime() - now.getTime()) / 1_000);
    const token = this.tokens.sign({ tokenId: row.tokenId, userId, kind, createdAt: now, expiresAt });
    return { id, token, expiresIn, isRemembered: Boolean(row.isRemembered) };
  }

  private viewerOf(row: SessionRow): Viewer | undefined {
    const now = Date.now();
    const idles = row.kind !== 'token' && !row.isRemembered;
    if (now >= Number(row.expiresAt) || (idles && Number(row.lastSeenAt) <= now - this.idleLimit)) return undefined;
    return {
      id: row.userId,
      name: row.name,
      email: row.email,
      role: row.role,
      createdAt: new Date(Number(row.createdAt)),
      hasVerifiedEmail: row.emailVerifiedAt !== null,
      hasFactor: Boolean(row.hasFactor),
      session: {
        id: row.id,
        tokenId: row.tokenId,
        kind: row.kind,
        scope: row.scope,
        lastSeenAt: new Date(Number(row.lastSeenAt)),
        provenAt: row.provenAt === null ? null : new Date(Number(row.provenAt)),
      },
    };
  }

  private live(): SelectQueryBuilder<Session> {
    const now = Date.now();
    return this.sessions
      .createQueryBuilder('s')
      .where(
        `s."expiresAt" > :now AND (s."isRemembered" = :yes OR s."kind" = 'token' OR s."lastSeenAt" > :idleSince)`,
        {
          now,
          yes: true,
          idleSince: now - this.idleLimit,
        },
      );
  }

  /** Deletes the sessions that have expired or timed out. */
  private async sweep(): Promise<void> {
    const now = Date.now();
    const idles = `"isRemembered" = :no AND "kind" <> 'token' AND "lastSeenAt" <= :idleSince`;
    await this.sessions
      .createQueryBuilder()
      .delete()
      .where(`"expiresAt" <= :now OR (${idles})`, { now, no: false, idleSince: now - this.idleLimit })
      .execute();
  }

  private get idleLimit(): number {
    return this.settings.sessionIdleMinutes * minuteMs;
  }

  /**
   * Combines lookups into one statement: those of one turn of the event loop, and those that arrive while another
   * statement runs. Nothing is cached, so each lookup reads the database after it was asked for.
   */
  private lookupBy(key: SessionKey): DataLoader<string, SessionRow | undefined> {
    return new DataLoader((wanted: readonly string[]) => this.read(key, wanted), {
      cache: false,
      maxBatchSize: largestLookup,
      batchScheduleFn: (run) => void this.reading.finally(() => setImmediate(run)),
    });
  }

  private async read(key: SessionKey, asked: readonly string[]): Promise<(SessionRow | undefined)[]> {
    const wanted = [...new Set(asked)];
    const { size, sql } = lookupFor(key, wanted.length);
    const values = Array.from({ length: size }, (_, index) => wanted[index] ?? null);
    const reading = this.reader.rows<SessionRow>(sql, values);
    this.reading = reading.then(
      () => undefined,
      () => undefined,
    );
    const rows = await reading;
    const found = new Map(rows.map((row) => [row[key], row]));
    return asked.map((one) => found.get(one));
  }
}

const beginningOf = (forShare: string) => `
  INSERT INTO "sessions" ("id", "tokenId", "kind", "name", "scope", "isRemembered", "userAgent", "address", "createdAt", "lastSeenAt", "provenAt", "expiresAt", "userId")
  SELECT $1, $2, $3, $4, $5, CAST($6 AS boolean), $7, $8, CAST($9 AS bigint), CAST($10 AS bigint), CAST($11 AS bigint), CAST($12 AS bigint), u."id"
  FROM "users" u
  WHERE u."id" = $13 AND u."disabledAt" IS NULL AND u."awaitingSince" IS NULL
    AND u."passwordHash" = COALESCE($14, u."passwordHash")
    AND NOT (CAST($15 AS boolean) AND (${hasFactor})) ${forShare}
  RETURNING "tokenId"`;

/** If another request has replaced the token already, this keeps that newer token. */
const renewal = `
  UPDATE "sessions"
  SET "tokenId" = CASE WHEN "tokenId" = $1 THEN $2 ELSE "tokenId" END,
    "provenAt" = COALESCE(CAST($3 AS bigint), "provenAt")
  WHERE "id" = $4
  RETURNING "tokenId", "isRemembered", "expiresAt"`;
