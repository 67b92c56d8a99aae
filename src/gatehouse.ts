import './no-debugger.js';
import { start } from './start.js';

await start(() => import('./command.js'));
