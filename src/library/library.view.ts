import { presentInstant } from '../activity/event.view.js';
import { presentFileInWords, presentVersionInWords } from '../files/file.view.js';
import type { FileVersion } from '../files/file-version.entity.js';
import type { StoredFile } from '../files/stored-file.entity.js';

/** Picks what an admin's page shows of a file, in words. */
export const presentLibraryFile = (file: StoredFile) => ({
  ...presentFileInWords(file),
  href: `/admin/files/${file.id}`,
  version: file.versionNumber,
  memberLimit: file.memberLimit,
  totalLimit: file.totalLimit,
  isReplaced: file.versionNumber > 1,
  versionedAt: presentInstant(file.versionedAt),
  ...shelfInWords(file),
  isFeatured: file.featuredAt !== null,
  deletedAt: file.deletedAt && presentInstant(file.deletedAt),
});

/** Whether members can see a file, and the time from which or until which they can, if there is one. */
function shelfInWords({ deletedAt, isHidden, ...times }: StoredFile) {
  if (deletedAt) return { onTheShelf: 'no' };
  const { onTheShelf, ...rest } = timesInWords(times);
  return { ...rest, isHidden, onTheShelf: isHidden ? `hidden; without that, ${onTheShelf}` : onTheShelf };
}

function timesInWords({ availableAt, expiresAt }: Pick<StoredFile, 'availableAt' | 'expiresAt'>) {
  const now = new Date();
  if (availableAt > now)
    return { onTheShelf: 'not before', isWaiting: true, availability: presentInstant(availableAt) };
  if (!expiresAt) return { onTheShelf: 'yes' };
  const isOver = expiresAt <= now;
  return { onTheShelf: isOver ? 'no more since' : 'until', isOver, availability: presentInstant(expiresAt) };
}

/** Picks what an admin's page shows of an earlier version of a file. */
export const presentVersion = (version: FileVersion) => ({
  ...presentVersionInWords(version),
  at: presentInstant(version.createdAt),
  downloads: version.downloads,
});
