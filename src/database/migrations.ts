import { AccountsAndFiles1795305600001 } from './0001-accounts-and-files.migration.js';
import { AccountsThatHold1795392000001 } from './0002-accounts-that-hold.migration.js';
import { TheLibrary1795478400001 } from './0003-the-library.migration.js';
import { VersionsToldApart1795564800001 } from './0004-versions-told-apart.migration.js';
import { Revisions1795564800003 } from './0006-revisions.migration.js';
import { WhoseAddress1795564800004 } from './0007-whose-address.migration.js';
import { SearchTexts1795564800005 } from './0008-search-texts.migration.js';
import { HiddenFiles1795564800006 } from './0009-hidden-files.migration.js';
import { LongerRequestIds1795564800007 } from './0010-longer-request-ids.migration.js';
import { VersionsOutOfSight1795564800009 } from './0012-versions-out-of-sight.migration.js';

/** Every migration, in order. They run by themselves at start, on both databases, and only go forward. */
export const migrations = [
  AccountsAndFiles1795305600001,
  AccountsThatHold1795392000001,
  TheLibrary1795478400001,
  VersionsToldApart1795564800001,
  Revisions1795564800003,
  WhoseAddress1795564800004,
  SearchTexts1795564800005,
  HiddenFiles1795564800006,
  LongerRequestIds1795564800007,
  VersionsOutOfSight1795564800009,
];
