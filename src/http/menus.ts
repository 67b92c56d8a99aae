import { Injectable } from '@nestjs/common';
import type { Role } from './access.js';
import { configureRoute } from './route-config.js';
import { RouteList } from './route-list.js';

type MenuName = 'main' | 'admin';

interface MenuEntry {
  readonly text: string;
  /** Entries are sorted by place, and entries with the same place by text. */
  readonly place: number;
}

/** A link of a menu, as a page shows it. */
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
 * Adds a page to the main menu or to the admin menu. Only members who may open the page see its link in the main menu.
 * The site's own entries have places from 0 to 90, and 1,000 for the last one.
 */
export const InMenu = (menu: MenuName, text: string, place = 100): MethodDecorator =>
  configureRoute(({ inMenus }) => ({ inMenus: { ...inMenus, [menu]: { text, place } } }));

/** The menus. Pages declare which menus they are in. */
@Injectable()
export class Menus {
  private readonly made = new Map<Role, { main: MenuLink[]; admin: MenuLink[] }>();

  constructor(private readonly routes: RouteList) {}

  /** The links that a member with this role sees. */
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
