import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import { Settings } from '../config/settings.js';
import { Reader } from '../database/reader.js';
import type { Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';
import { MailService } from '../mail/mail.service.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { AuthenticatorsService } from './authenticators.service.js';
import { hasAuthenticator, hasPasskey } from './last-factor.js';
import type { Passkey } from './passkey.entity.js';
import { PasskeysService } from './passkeys.service.js';
import { RecoveryCodesService } from './recovery-codes.service.js';
import { otpauthUrl } from './totp.js';

/** The factors that a member has besides the password. */
export interface FactorSummary {
  /** Whether an authenticator app is set up. An app that waits for its first code does not count. */
  readonly authenticator: boolean;
  readonly passkeys: readonly Pick<Passkey, 'id' | 'name' | 'createdAt' | 'lastUsedAt'>[];
  readonly recoveryCodesLeft: number;
}

/**
 * The result when a factor was added. If the member had no recovery codes, it holds new ones, which are shown only
 * once.
 */
export interface FactorAdded {
  readonly recoveryCodes: string[] | null;
}

const app = 'authenticator app';

/** The second factor: an authenticator app, passkeys, and the recovery codes that can be used in their place. */
@Injectable()
export class FactorsService {
  constructor(
    private readonly authenticators: AuthenticatorsService,
    private readonly passkeys: PasskeysService,
    private readonly recoveryCodes: RecoveryCodesService,
    private readonly sessions: SessionsService,
    private readonly activity: ActivityService,
    private readonly mail: MailService,
    private readonly reader: Reader,
    private readonly settings: Settings,
  ) {}

  async summaryOf(userId: string): Promise<FactorSummary> {
    const [authenticator, passkeys, recoveryCodesLeft] = await Promise.all([
      this.authenticators.isSetUpFor(userId),
      this.passkeys.listFor(userId),
      this.recoveryCodes.leftOf(userId),
    ]);
    return { authenticator, passkeys, recoveryCodesLeft };
  }

  /** Whether this member needs a second factor to log in. */
  async isSetUpFor(userId: string): Promise<boolean> {
    const rows = await this.reader.rows(`SELECT 1 AS "one" WHERE ${hasAuthenticator} OR ${hasPasskey}`, [userId]);
    return rows.length > 0;
  }

  /** Whether `REQUIRE_MFA` asks this member for a second factor. */
  isRequiredOf({ role }: Pick<Viewer, 'role'>): boolean {
    const { requireMfa } = this.settings;
    return requireMfa === 'all' || (requireMfa === 'admins' && role === 'admin');
  }

  /**
   * The secret that an authenticator app needs to show codes for this member. Gives undefined if an app is set up
   * already.
   */
  async beginAuthenticator({ id, email }: Viewer): Promise<{ secret: string; otpauthUrl: string } | undefined> {
    const secret = await this.authenticators.begin(id);
    // the host is part of the issuer, because an app may replace an entry that has the same issuer and account
    const issuer = `Gatehouse ${new URL(this.settings.publicUrl).hostname}`;
    return secret === undefined ? undefined : { secret, otpauthUrl: otpauthUrl(secret, issuer, email) };
  }

  /** Sets up the waiting app if this is its code. Gives undefined if the code is wrong or no app waits. */
  async confirmAuthenticator(viewer: Viewer, code: string, caller: Caller): Promise<FactorAdded | undefined> {
    if (!(await this.authenticators.confirm(viewer.id, code))) return undefined;
    return this.added(viewer, app, 'an authenticator app was added', caller);
  }

  /**
   * Removes the authenticator app. Gives false if it is the only factor and one is required.
   *
   * @throws NotFoundException if no app is set up.
   */
  async removeAuthenticator(viewer: Viewer, caller: Caller): Promise<boolean> {
    if (!(await this.authenticators.delete(viewer.id, this.isRequiredOf(viewer)))) {
      if (await this.authenticators.isSetUpFor(viewer.id)) return false;
      throw new NotFoundException('You have no authenticator app set up.');
    }
    await this.removed(viewer, app, 'an authenticator app was removed', caller);
    return true;
  }

  /** Adds a passkey that the member's browser created. Gives undefined if the browser's answer is not valid. */
  async addPasskey(viewer: Viewer, response: string, name: string, caller: Caller): Promise<FactorAdded | undefined> {
    const passkey = await this.passkeys.register(viewer, response, name);
    return passkey && this.added(viewer, passkey.name, 'a passkey was added', caller);
  }

  /** @throws NotFoundException if the member has no such passkey. */
  async renamePasskey(viewer: Viewer, id: string, name: string, caller: Caller): Promise<void> {
    await this.passkeys.rename(viewer, id, name);
    await this.activity.record({ kind: 'factor.renamed', member: viewer, target: name }, caller);
  }

  /**
   * Removes a passkey. Gives false if it is the only factor and one is required.
   *
   * @throws NotFoundException if there is no such passkey.
   */
  async removePasskey(viewer: Viewer, id: string, caller: Caller): Promise<boolean> {
    const name = await this.passkeys.delete(viewer.id, id, this.isRequiredOf(viewer));
    if (name === undefined) {
      await this.passkeys.findFor(viewer, id);
      return false;
    }
    await this.removed(viewer, name, 'a passkey was removed', caller);
    return true;
  }

  /**
   * Makes a new set of recovery codes, which are shown only once. The old ones stop working.
   *
   * @throws ConflictException if the member has no second factor, or if another request makes codes at the same moment.
   */
  async renewRecoveryCodes(viewer: Viewer, caller: Caller): Promise<string[]> {
    if (!(await this.isSetUpFor(viewer.id)))
      throw new ConflictException('Recovery codes stand in for a second factor. Set one up first.');
    const codes = await this.recoveryCodes.renew(viewer.id);
    if (!codes) throw new ConflictException('New recovery codes were being made at the same moment. Use those.');
    await this.activity.record({ kind: 'factor.recovery-codes-made', member: viewer }, caller);
    await this.tell(viewer, 'new recovery codes were made, and the old ones no longer work');
    return codes;
  }

  /**
   * The kind of this code, if it is an unused code of this member. It is then used up. Gives undefined if it is not.
   */
  async verifyCode(userId: string, code: string): Promise<'authenticator' | 'recovery-code' | undefined> {
    if (await this.authenticators.spend(userId, code)) return 'authenticator';
    if (await this.recoveryCodes.spend(userId, code)) return 'recovery-code';
    return undefined;
  }

  /** Removes every factor and recovery code of a member. */
  async removeAllOf(userId: string): Promise<void> {
    await this.authenticators.removeAllOf(userId);
    await this.passkeys.removeAllOf(userId);
    await this.recoveryCodes.removeAllOf(userId);
  }

  private async added(viewer: Viewer, target: string, what: string, caller: Caller): Promise<FactorAdded> {
    const { passkeys, authenticator } = await this.summaryOf(viewer.id);
    const isOnly = passkeys.length + Number(authenticator) === 1;
    // a crash may have left codes of an earlier factor, so the first factor replaces them
    const made = await (isOnly ? this.recoveryCodes.renew(viewer.id) : this.recoveryCodes.makeFirst(viewer.id));
    const recoveryCodes = made ?? null;
    // after the first factor, ends the sessions that began with the password alone: at once, so that a crash leaves
    // nobody logged in; and again below, for a login in between
    if (recoveryCodes) await this.sessions.endAllOf(viewer.id, viewer.session.id);
    await this.activity.record({ kind: 'factor.added', member: viewer, target }, caller);
    if (recoveryCodes) {
      await this.activity.record({ kind: 'factor.recovery-codes-made', member: viewer }, caller);
      await this.sessions.endAllOf(viewer.id, viewer.session.id);
      await this.activity.record({ kind: 'session.others-ended', member: viewer }, caller);
    }
    await this.tell(viewer, recoveryCodes ? `${what}, and you were logged out everywhere else` : what);
    return { recoveryCodes };
  }

  private async removed(viewer: Viewer, target: string, what: string, caller: Caller): Promise<void> {
    await this.recoveryCodes.removeUnlessSetUp(viewer.id);
    await this.activity.record({ kind: 'factor.removed', member: viewer, target }, caller);
    await this.tell(viewer, what);
  }

  private tell({ email }: Viewer, what: string): Promise<void> {
    return this.mail.send({ to: email, view: 'factor-changed', data: { what } });
  }
}
