import { Assets } from '../dist/http/assets.js';
import { Views, viewsFolder } from '../dist/http/views.js';
import { checkLetters } from '../dist/mail/letters.js';

/** Ends the build with a sentence if a view or a letter has a fault: they are compiled only when they are first needed. */
try {
  new Views(viewsFolder, new Assets()).check();
  checkLetters(viewsFolder);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
