import { HttpException } from '@nestjs/common';
import { BackupFault } from '../backups/manifest.js';
import { SettingsError } from '../config/settings.js';
import { isDamage, wordsOfDamage } from '../database/damage.js';
import { UnusableDatabase } from '../database/data-source.js';
import { UnusableStore } from '../files/store-watch.js';
import { InvalidInput } from '../http/errors.js';

/** Explains why a command failed, for the person who typed it. If it is our own mistake, includes the stack. */
export function wordsOfFailure(error: unknown): string {
  if (error instanceof InvalidInput) return error.errors.map(({ message }) => message).join('\n');
  if (
    error instanceof BackupFault ||
    error instanceof HttpException ||
    error instanceof SettingsError ||
    error instanceof UnusableDatabase ||
    error instanceof UnusableStore
  )
    return error.message;
  if (error instanceof Error && isDamage(error)) return wordsOfDamage(error.message);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
