import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import DataLoader from 'dataloader';
import { Repository, type SelectQueryBuilder } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { dayMs, hourMs } from '../config/durations.js';
import { Settings } from '../config/settings.js';
import type { Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';
import { Chores } from '../http/chores.js';
import { newestId, cursorPageOf, type PagingInput, type CursorPage } from '../http/paging.input.js';
import { canonicalAddress } from '../http/address.js';
import { fold, withWords } from '../http/search.js';
import { kindsAboutMemberships, kindsAboutThings, kindsForAdmins, type EventKind } from './event-kinds.js';
import { ActivityEvent, type Outcome } from './event.entity.js';

/** The most rows that one statement adds. PostgreSQL takes at most 65,535 values in one statement. */
const batchSize = 500;

/** The name that an event shows after its member is deleted. */
export const nobody = 'a deleted member';

/** A person, as an event names them. */
export interface Person {
  readonly id: string;
  readonly email: string;
}

/** An event to record. */
export interface NewEvent {
  readonly kind: EventKind;
  /** `success` if it is not given. */
  readonly outcome?: Outcome;
  /** The member whose account the event is about. It is about no account if this is not given. */
  readonly member?: Person | undefined;
  /** The person who did it. If it is not given, the member did it. Null for a stranger and for this machine. */
  readonly actor?: Person | null;
  /** What it was done to. If it is not given, it is the member's email. */
  readonly target?: string;
}

/** The events to list. */
export interface EventFilter extends PagingInput {
  readonly q?: string;
  readonly kind?: EventKind;
  readonly outcome?: Outcome;
}

/**
 * The activity log: what happened to accounts, sessions and files. Each event is a row in the database for people, and
 * one line of JSON in the log for programs such as fail2ban. (ASVS 5.0 16.3)
 */
@Injectable()
export class ActivityService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Activity');
  private writing = Promise.resolve<unknown>(undefined);

  /**
   * Collects the events that come during a write, and writes them in one statement. Each caller waits for its own
   * event.
   */
  private readonly writer = new DataLoader<ActivityEvent, undefined>((events) => this.write(events), {
    cache: false,
    maxBatchSize: batchSize,
    batchScheduleFn: (run) => void this.writing.finally(run),
  });

  constructor(
    @InjectRepository(ActivityEvent) private readonly events: Repository<ActivityEvent>,
    private readonly settings: Settings,
    private readonly chores: Chores,
  ) {}

  /** Records an event. It is stored when this returns. Events that come at the same time are written together. */
  async record(
    { kind, outcome = 'success', member, actor = member ?? null, target }: NewEvent,
    caller: Caller,
  ): Promise<void> {
    const event: ActivityEvent = {
      id: uuid(),
      at: new Date(),
      kind,
      outcome,
      memberId: member?.id ?? null,
      actorId: actor?.id ?? null,
      actor: actor?.email ?? null,
      target: target?.slice(0, 300) ?? member?.email ?? null,
      address: caller.address,
      requestId: caller.requestId,
      searchText: '',
    };
    event.searchText = fold([event.actor, event.target, event.address].filter(Boolean).join(' '));
    const { memberId, actorId, address, requestId } = event;
    const line = {
      event: kind,
      outcome,
      memberId,
      actorId,
      actor: event.actor,
      target: event.target,
      address,
      requestId,
    };
    this.logger.log(line, 'activity');
    await this.writer.load(event);
  }

  /** The events about one member's account that this member may see, newest first. */
  async listFor({ id }: Pick<Viewer, 'id'>, { limit, cursor }: PagingInput): Promise<CursorPage<ActivityEvent>> {
    const query = this.newestFirst({ limit, ...(cursor && { cursor }) })
      .andWhere('e."memberId" = :id', { id })
      .andWhere('e."kind" NOT IN (:...kindsForAdmins)', { kindsForAdmins });
    return cursorPageOf(await query.getMany(), limit);
  }

  /**
   * What one member did outside their own account, newest first. If it was done to another member, that member's name
   * is left out.
   */
  async listBy({ id }: Pick<Viewer, 'id'>, { limit, cursor }: PagingInput): Promise<CursorPage<ActivityEvent>> {
    const found = await this.newestFirst({ limit, ...(cursor && { cursor }) })
      .andWhere('e."actorId" = :id AND (e."memberId" IS NULL OR e."memberId" <> :id)', { id })
      .getMany();
    const withoutOthers = (event: ActivityEvent) =>
      kindsAboutThings.includes(event.kind) ? event : Object.assign({}, event, { target: null });
    return cursorPageOf(found.map(withoutOthers), limit);
  }

  /** One part of all events that match the filter, newest first. */
  async list(filter: EventFilter): Promise<CursorPage<ActivityEvent>> {
    return cursorPageOf(await this.matching(filter).getMany(), filter.limit);
  }

  /** All events that match the filter, newest first, one batch at a time. */
  async *all(filter: Omit<EventFilter, 'limit' | 'cursor'>): AsyncGenerator<readonly ActivityEvent[]> {
    for (let cursor: string | null = newestId; cursor !== null;) {
      const { items, nextCursor }: CursorPage<ActivityEvent> = await this.list({ ...filter, limit: 500, cursor });
      yield items;
      cursor = nextCursor;
    }
  }

  /**
   * Removes a member's name from the events. The event stays, and so does the name of the file, collection or group.
   */
  async anonymise(memberId: string): Promise<void> {
    const kept = [...kindsAboutThings, ...kindsAboutMemberships];
    await this.events
      .createQueryBuilder()
      .update({ target: nobody, searchText: nobody })
      .where('"memberId" = :memberId AND "kind" NOT IN (:...kept)', { memberId, kept })
      .execute();
    await this.anonymiseMemberships(memberId);
    await this.events
      .createQueryBuilder()
      .update({ actor: nobody, address: null, searchText: nobody })
      .where('"actorId" = :memberId OR ("memberId" = :memberId AND "actorId" IS NULL)', { memberId })
      .execute();
    await this.makeFindable(memberId);
  }

  onModuleInit(): void {
    this.chores.every(hourMs, () => this.sweep(), 'old events could not be deleted');
  }

  /** Waits until every write has finished, also the writes that start in the meantime. */
  async onApplicationShutdown(): Promise<void> {
    for (let last; last !== this.writing;) await (last = this.writing);
  }

  /** Removes the member's name but keeps the name of the group. */
  private async anonymiseMemberships(memberId: string): Promise<void> {
    const condition = '"memberId" = :memberId AND "kind" IN (:...kindsAboutMemberships)';
    const named = await this.events
      .createQueryBuilder('e')
      .select('DISTINCT e."target"', 'target')
      .where(condition, { memberId, kindsAboutMemberships })
      .getRawMany<{ target: string }>();
    for (const { target } of named) {
      const group = target.slice(target.indexOf(': '));
      await this.events
        .createQueryBuilder()
        .update({ target: nobody + group, searchText: nobody })
        .where(`${condition} AND "target" = :target`, { memberId, kindsAboutMemberships, target })
        .execute();
    }
  }

  /** Lets people find the anonymous events by what they were done to. */
  private async makeFindable(memberId: string): Promise<void> {
    for (let after = ''; ;) {
      const found = await this.events
        .createQueryBuilder('e')
        .where('(e."memberId" = :memberId OR e."actorId" = :memberId) AND e."id" > :after', { memberId, after })
        .andWhere('e."searchText" = :nobody AND e."kind" IN (:...kindsAboutThings)', { nobody, kindsAboutThings })
        .orderBy('e.id')
        .limit(batchSize)
        .getMany();
      const idsByText = new Map<string, string[]>();
      for (const { id, target } of found) {
        const searchText = fold(`${nobody} ${target ?? ''}`);
        idsByText.set(searchText, [...(idsByText.get(searchText) ?? []), id]);
      }
      for (const [searchText, ids] of idsByText) await this.events.update(ids, { searchText });
      const last = found.at(-1);
      if (!last) return;
      after = last.id;
    }
  }

  private matching({ kind, outcome, q, ...paging }: EventFilter): SelectQueryBuilder<ActivityEvent> {
    const query = this.newestFirst(paging);
    if (kind) query.andWhere('e."kind" = :kind', { kind });
    if (outcome) query.andWhere('e."outcome" = :outcome', { outcome });
    return withWords(query, 'e."searchText"', q && withAddresses(q));
  }

  /** Reads one row more than asked for, to know if there are more. */
  private newestFirst({ limit, cursor = newestId }: PagingInput): SelectQueryBuilder<ActivityEvent> {
    return this.events
      .createQueryBuilder('e')
      .where('e."id" < :cursor', { cursor })
      .orderBy('e.id', 'DESC')
      .limit(limit + 1);
  }

  private async write(events: readonly ActivityEvent[]): Promise<undefined[]> {
    const writing = this.events.insert([...events]);
    this.writing = writing.catch(() => undefined);
    await writing;
    return events.map(() => undefined);
  }

  private async sweep(): Promise<void> {
    const before = Date.now() - this.settings.activityDays * dayMs;
    await this.events.createQueryBuilder().delete().where('"at" < :before', { before }).execute();
  }
}

/** The search text, with each address in the same spelling as the stored addresses. */
const withAddresses = (q: string): string => q.replace(/\S+/gu, (word) => canonicalAddress(word) ?? word);
