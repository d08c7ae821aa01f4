/** How operators call the daemon: the control tree as it is, or the API over HTTP, whose answers are checked
 *  and become the tree's errors again. */

import { type Errno, ErrnoError } from '../../src/config/errors.ts';
import { faultHandlers } from '../../src/control/faults/handlers.ts';
import type { Tree } from '../../src/control/tree.ts';
import type { ZoneOperation } from '../../src/driver/zone-requests.ts';
import type { Random } from '../fuzz/random.ts';
import { Found } from './failure.ts';
import type { Answer, Asked, Http } from './http.ts';

/** A call of the API under `/v1/devices/NAME/faults`, and how its handler is named. */
export interface RuleCall {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Behind `faults`. */
  readonly path: string;
  readonly call: keyof ReturnType<typeof faultHandlers>;
  readonly status: number;
  readonly json?: object;
  readonly rule?: string;
}

export type Texts = ReadonlyMap<string, string>;

export interface Control {
  create(name: string, texts: Texts): Promise<unknown>;
  patch(name: string, texts: Texts, force?: boolean): Promise<unknown>;
  remove(name: string, force?: boolean): Promise<unknown>;
  flush(name: string): Promise<unknown>;
  /** @param sectors undefined: of one zone. */
  zones(
    name: string,
    what: ZoneOperation,
    sector: number,
    sectors: number | undefined,
  ): Promise<unknown>;
  /** @returns the sector where it went. */
  append(name: string, sector: number, data: Uint8Array): Promise<number>;
  /** Does something about a device's rules. */
  rules(name: string, what: RuleCall): Promise<unknown>;
  /** Reads something; what, is drawn. */
  look(random: Random, name: string): Promise<unknown>;
}

export class TreeControl implements Control {
  readonly #tree: Tree;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  create(name: string, texts: Texts): Promise<unknown> {
    return this.#tree.create(name, texts);
  }

  patch(name: string, texts: Texts, force?: boolean): Promise<unknown> {
    return this.#tree.patch(name, texts, force);
  }

  remove(name: string, force?: boolean): Promise<unknown> {
    return this.#tree.remove(name, force);
  }

  flush(name: string): Promise<unknown> {
    return this.#tree.flush(name);
  }

  zones(...call: Parameters<Tree['zoneOperation']>): Promise<unknown> {
    return this.#tree.zoneOperation(...call);
  }

  append(name: string, sector: number, data: Uint8Array): Promise<number> {
    return this.#tree.append(name, sector, data);
  }

  async rules(name: string, { call, json, rule }: RuleCall): Promise<unknown> {
    const params = { name, ...(rule === undefined ? {} : { rule }) };
    return await faultHandlers(this.#tree)[call]({ params, query: {}, texts: {}, body: json });
  }

  async look(random: Random, name: string): Promise<unknown> {
    const tree = this.#tree;
    const looks = [
      () => tree.stats(name),
      () => tree.requests(name),
      () => [...tree.views()],
      () => [...tree.allCounts()],
      () => tree.text(name, 'badblocks'),
      () => tree.text(name, 'submit_queues'),
    ];
    return random.pick(looks)();
  }
}

const JSON_TYPE = 'application/json';
const OCTETS = 'application/octet-stream';
/** The status of each error. Source: control.md section 3. */
const statuses: Readonly<Record<Errno, number>> = {
  ...{
    EINVAL: 400,
    ERANGE: 400,
    EACCES: 403,
    ENOENT: 404,
    EOPNOTSUPP: 405,
    EEXIST: 409,
    EBUSY: 409,
  },
  ...{ EIO: 422, ETOOMANYREFS: 422, EOVERFLOW: 422, ENODEV: 422, ENOSPC: 422, ENOMEM: 422 },
  ...{ ETIMEDOUT: 422, EPERM: 422, ESHUTDOWN: 422 },
};

export class HttpControl implements Control {
  readonly #http: Http;
  readonly #random: Random;

  constructor(http: Http, random: Random) {
    this.#http = http;
    this.#random = random;
  }

  create(name: string, texts: Texts): Promise<unknown> {
    return this.#json('PUT', device(name), 201, texts);
  }

  async patch(name: string, texts: Texts, force?: boolean): Promise<unknown> {
    const [[attribute = '', text = ''] = []] = texts;
    // Attributes can be written one by one as well.
    if (texts.size !== 1 || this.#random.chance(0.5)) {
      return await this.#json('PATCH', device(name) + query(force), 200, texts);
    }
    const path = `${device(name)}/attributes/${attribute}${query(force)}`;
    const body = Buffer.from(text);
    return await this.#ask({ method: 'PUT', path, type: OCTETS, body }, 204);
  }

  remove(name: string, force?: boolean): Promise<unknown> {
    return this.#ask({ method: 'DELETE', path: device(name) + query(force) }, 204);
  }

  flush(name: string): Promise<unknown> {
    return this.#ask({ method: 'POST', path: `${device(name)}/flush` }, 204);
  }

  async zones(
    name: string,
    what: ZoneOperation,
    sector: number,
    sectors: number | undefined,
  ): Promise<unknown> {
    const length = sectors === undefined ? '' : `&sectors=${sectors}`;
    const range = what === 'reset-all' ? '' : `?sector=${sector}${length}`;
    return await this.#ask({ method: 'POST', path: `${device(name)}/zones/${what}${range}` }, 204);
  }

  async append(name: string, sector: number, data: Uint8Array): Promise<number> {
    const path = `${device(name)}/zones/append?sector=${sector}`;
    const { text } = await this.#ask({ method: 'POST', path, type: OCTETS, body: data }, 200);
    const answer: unknown = JSON.parse(text);
    return Number(answer instanceof Object && 'sector' in answer ? answer.sector : Number.NaN);
  }

  rules(name: string, { method, path, status, json }: RuleCall): Promise<unknown> {
    const body =
      json === undefined ? {} : { type: JSON_TYPE, body: Buffer.from(JSON.stringify(json)) };
    return this.#ask({ method, path: `${device(name)}/faults${path}`, ...body }, status);
  }

  async look(random: Random, name: string): Promise<unknown> {
    const of = device(name);
    const paths = [`${of}/stats`, `${of}/requests`, `${of}/attributes/badblocks`, of];
    const path = random.pick([...paths, '/v1', '/v1/devices', '/metrics', '/v1/openapi.json']);
    if (random.chance(0.1)) return await this.#http.glance(path);
    const { text, type } = await this.#ask({ method: 'GET', path }, 200);
    return type.startsWith(JSON_TYPE) ? JSON.parse(text) : text;
  }

  async #json(
    method: 'PUT' | 'PATCH',
    path: string,
    status: number,
    texts: Texts,
  ): Promise<unknown> {
    const body = Buffer.from(JSON.stringify(Object.fromEntries(texts)));
    const { text } = await this.#ask({ method, path, type: JSON_TYPE, body }, status);
    return JSON.parse(text);
  }

  /** @throws ErrnoError as the tree would. @throws Found for an answer that is none of the API's. */
  async #ask(asked: Asked, status: number): Promise<Answer> {
    const answer = await this.#http.ask(asked);
    if (answer.status === status) return answer;
    const said = `${asked.method} ${asked.path}: ${answer.status} ${answer.text}`;
    const body: unknown = answer.type.startsWith(JSON_TYPE) ? JSON.parse(answer.text) : undefined;
    const errno = body instanceof Object && 'errno' in body ? String(body.errno) : '';
    if (isErrno(errno) && statuses[errno] === answer.status) throw new ErrnoError(errno, said);
    throw new Found('control', said);
  }
}

function isErrno(text: string): text is Errno {
  return Object.hasOwn(statuses, text);
}

function device(name: string): string {
  return `/v1/devices/${name}`;
}

function query(force = false): string {
  return force ? '?force=1' : '';
}
