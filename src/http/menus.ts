import { Injectable } from '@nestjs/common';
import type { Role } from './access.js';
import { configureRoute } from './route-config.js';
import { RouteList } from './route-list.js';

type MenuName = 'main' | 'admin';

interface MenuEntry {
  readonly text: string;
  /** Entries stand in the order of their places; those of one place in the order of their texts. */
  readonly place: number;
}

/** What a page shows of a menu. */
interface MenuLink {
  readonly href: string;
  readonly text: string;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    inMenus?: Readonly<Partial<Record<MenuName, MenuEntry>>>;
  }
}

/**
 * Gives a page a link in the main menu, which members see who may open the page, or in the menu of the administration.
 * The entries that the site comes with have places from 0 to 90 and, for the last one, 1,000.
 */
export const InMenu = (menu: MenuName, text: string, place = 100): MethodDecorator =>
  configureRoute(({ inMenus }) => ({ inMenus: { ...inMenus, [menu]: { text, place } } }));

/** The menus, as pages declare that they are in them. */
@Injectable()
export class Menus {
  private readonly made = new Map<Role, { main: MenuLink[]; admin: MenuLink[] }>();

  constructor(private readonly routes: RouteList) {}

  /** The links that a member of this role sees. */
  for(role: Role): { main: MenuLink[]; admin: MenuLink[] } {
    const menus = this.made.get(role) ?? { main: this.linksOf('main', role), admin: this.linksOf('admin', role) };
    this.made.set(role, menus);
    return menus;
  }

  private linksOf(menu: MenuName, role: Role): MenuLink[] {
    return this.routes
      .all()
      .flatMap(({ method, path, access, config }) => {
        const entry = config?.inMenus?.[menu];
        const isTheirs = role === 'admin' || access?.to !== 'admins';
        return method === 'GET' && entry && isTheirs ? [{ path, ...entry }] : [];
      })
      .toSorted((one, other) => one.place - other.place || one.text.localeCompare(other.text, 'en'))
      .map(({ path, text }) => ({ href: path, text }));
  }
}
