import { presentInstant } from '../activity/event.view.js';
import { presentFileInWords } from '../files/file.view.js';
import type { StoredFile } from '../files/stored-file.entity.js';

/** Picks what an admin's page shows of a file, in words. */
export const presentLibraryFile = (file: StoredFile) => ({
  ...presentFileInWords(file),
  downloadHref: presentFileInWords(file).href,
  href: `/admin/files/${file.id}`,
  isFeatured: file.featuredAt !== null,
  deletedAt: file.deletedAt && presentInstant(file.deletedAt),
});
