import { Injectable } from '@nestjs/common';
import { Readable } from 'node:stream';
import { ActivityService } from '../activity/activity.service.js';
import { presentEvent } from '../activity/event.view.js';
import { LongWork, type InTurn } from '../database/long-work.js';
import { FactorsService } from '../factors/factors.service.js';
import { presentFactors } from '../factors/factors.view.js';
import type { Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';
import type { PagingInput, CursorPage } from '../http/paging.input.js';
import { presentSession } from '../sessions/session.view.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { UsersService } from '../users/users.service.js';
import { presentUser } from '../users/user.view.js';
import type { ExportView } from './account-export.view.js';
import { asSeenBy } from './activity.view.js';
import { Belongings } from './belongings.js';
import { leftOut } from './export-scope.js';

/** An export of everything that the site stores about a member, in one document without secrets. */
@Injectable()
export class AccountExport {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly factors: FactorsService,
    private readonly activity: ActivityService,
    private readonly belongings: Belongings,
    private readonly work: LongWork,
  ) {}

  /**
   * Writes the document: an `ExportView` as JSON. It writes one part at a time, because an account's activity may be
   * long. The export itself is part of that activity.
   */
  async make(viewer: Viewer, caller: Caller): Promise<Readable> {
    await this.activity.record({ kind: 'account.exported', member: viewer }, caller);
    const user = await this.users.find(viewer.id);
    const head: Pick<ExportView, 'exportedAt' | 'account' | 'secondFactors'> = {
      exportedAt: new Date().toISOString(),
      account: Object.assign(presentUser(user), { emailVerifiedAt: user.emailVerifiedAt?.toISOString() ?? null }),
      secondFactors: presentFactors(await this.factors.summaryOf(viewer.id), this.factors.isRequiredOf(viewer)),
    };
    return Readable.from(this.write(viewer, head), { objectMode: false });
  }

  private async *write(viewer: Viewer, head: object): AsyncGenerator<string> {
    const inTurn = this.work.of(viewer);
    yield JSON.stringify(head, null, 2).replace(/\n\}$/, ',\n  "sessions": ');
    yield* list(
      inTurn,
      (part) => this.sessions.listFor(viewer, part),
      (session) => presentSession(session, viewer.session.id),
    );
    yield ',\n  "activity": ';
    yield* list(
      inTurn,
      (part) => this.activity.listFor(viewer, part),
      (event) => presentEvent(asSeenBy(viewer, event)),
    );
    yield ',\n  "acts": ';
    yield* list(
      inTurn,
      (part) => this.activity.listBy(viewer, part),
      (event) => presentEvent(event),
    );
    for (const name of this.belongings.names) {
      yield `,\n  "${name}": `;
      yield* list(
        inTurn,
        (part) => this.belongings.list(name, viewer, part),
        (item) => item,
      );
    }
    const reasons = leftOut.map(({ what, why }) => ({ what, why }));
    yield `,\n  "leftOut": ${JSON.stringify(reasons, null, 2)}`;
    yield '\n}\n';
  }
}

/** A list as JSON, one item on each line. It is read one page at a time. */
async function* list<Item>(
  inTurn: InTurn,
  read: (part: PagingInput) => Promise<CursorPage<Item>>,
  present: (item: Item) => object,
): AsyncGenerator<string> {
  yield '[';
  let separator = '';
  let cursor: string | null | undefined;
  do {
    const part: CursorPage<Item> = await read({ limit: 200, ...(cursor && { cursor }) });
    const lines = await inTurn(() => part.items.map((item) => `\n    ${JSON.stringify(present(item))}`));
    if (lines.length > 0) yield separator + lines.join(',');
    if (lines.length > 0) separator = ',';
    cursor = part.nextCursor;
  } while (cursor !== null);
  yield ']';
}
