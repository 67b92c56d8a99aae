import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

/** All of axe's rules, its own best practices and the target size of WCAG 2.2 included. */
const allRules = { rules: { 'target-size': { enabled: true } } };

/** The rules that look at colours: in the dark nothing else is different from what axe has seen in the light. */
const rulesOfColours = { runOnly: ['color-contrast', 'link-in-text-block'] };

/** What axe finds on a page whose scripts run. */
export async function violationsOn(page: Page, colorScheme: 'light' | 'dark' = 'light'): Promise<string[]> {
  // to bring axe into a page takes longer than to run it, so it is brought once
  const isThere = await page.evaluate<boolean>('"axe" in window');
  const { violations } = await new AxeBuilder({ page, ...(isThere && { axeSource: 'void axe' }) })
    .setLegacyMode()
    .options({ resultTypes: ['violations'], ...(colorScheme === 'light' ? allRules : rulesOfColours) })
    .analyze();
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
}
