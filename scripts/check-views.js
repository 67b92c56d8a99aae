import { Assets } from '../dist/http/assets.js';
import { Views, viewsFolder } from '../dist/http/views.js';
import { checkLetters } from '../dist/mail/letters.js';

/**
 * Stops the build with a message if a view or a mail template has a mistake. Otherwise it would show only when the view
 * is first used.
 */
try {
  new Views(viewsFolder, new Assets()).check();
  checkLetters(viewsFolder);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
