import { ApiProperty } from '@nestjs/swagger';
import Bowser from 'bowser';
import { presentInstant } from '../activity/event.view.js';
import { scopes, type Scope, type SessionKind } from '../http/access.js';
import type { Session } from './session.entity.js';

/** A session or personal token as the API shows it to its member. */
export class SessionView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({
    enum: ['browser', 'api', 'token'],
    description: 'A browser’s login, an API login, or a personal token.',
  })
  readonly kind!: SessionKind;

  @ApiProperty({ type: 'string', nullable: true, description: 'What a personal token is called.' })
  readonly name!: string | null;

  @ApiProperty({
    enum: [...scopes, null],
    type: 'string',
    nullable: true,
    description: 'What a personal token may do.',
  })
  readonly scope!: Scope | null;

  @ApiProperty({ example: 'Firefox on Linux', description: 'In words, as the login’s User-Agent has it.' })
  readonly device!: string;

  @ApiProperty({ description: 'Where the login came from.' })
  readonly address!: string;

  @ApiProperty({ description: 'Whether it is the one that this request was made with.' })
  readonly isCurrent!: boolean;

  @ApiProperty({ type: String, format: 'date-time' })
  readonly createdAt!: string;

  @ApiProperty({
    type: 'string',
    nullable: true,
    format: 'date-time',
    description: 'To the minute; null for a personal token that was never used.',
  })
  readonly lastSeenAt!: string | null;

  @ApiProperty({ type: String, format: 'date-time' })
  readonly expiresAt!: string;
}

export class SessionPage {
  @ApiProperty({ type: [SessionView] })
  readonly items!: SessionView[];

  @ApiProperty({ type: 'string', nullable: true, format: 'uuid', description: 'Ask for the next part with it.' })
  readonly nextCursor!: string | null;
}

export const presentSession = (session: Session, currentId?: string): SessionView => ({
  id: session.id,
  kind: session.kind,
  name: session.name,
  scope: session.scope,
  device: deviceOf(session.userAgent),
  address: session.address,
  isCurrent: session.id === currentId,
  createdAt: session.createdAt.toISOString(),
  lastSeenAt: lastSeenOf(session)?.toISOString() ?? null,
  expiresAt: session.expiresAt.toISOString(),
});

const lastSeenOf = ({ lastSeenAt }: Session) => (lastSeenAt.getTime() === 0 ? undefined : lastSeenAt);

const kinds: Record<SessionKind, string> = { browser: 'Browser', api: 'API login', token: 'Access token' };

export const presentSessionInWords = (session: Session, currentId?: string) => {
  const lastSeenAt = lastSeenOf(session);
  return {
    ...presentSession(session, currentId),
    kindInWords: kinds[session.kind],
    isToken: session.kind === 'token',
    createdAt: presentInstant(session.createdAt),
    lastSeenAt: lastSeenAt && presentInstant(lastSeenAt),
    expiresAt: presentInstant(session.expiresAt),
  };
};

/** A device in words, such as `Firefox on Linux`. If it is not a browser, the name that the program gives itself. */
export function deviceOf(userAgent: string): string {
  if (!userAgent) return 'An unknown device';
  const { browser, os } = Bowser.parse(userAgent);
  if (browser.name && os.name) return `${browser.name} on ${os.name}`;
  const [program] = userAgent.trim().split(/[\s/]/, 1);
  // if Bowser does not know a name, it may give an empty text
  return [browser.name, os.name, program?.slice(0, 40)].find(Boolean) ?? 'An unknown device';
}
