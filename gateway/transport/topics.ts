import type { Broadcaster } from "./transport.ts";

/** Where the transport has no topics of its own: who has joined what. */
export class Topics<Socket extends { send(data: string | Uint8Array): unknown }>
  implements Broadcaster
{
  readonly #members = new Map<string, Set<Socket>>();
  readonly #topicsOf = new Map<Socket, Set<string>>();

  publish(topic: string, data: string | Uint8Array): void {
    const members = this.#members.get(topic);
    // A send may end a connection, which leaves.
    if (members !== undefined) for (const socket of [...members]) socket.send(data);
  }

  join(socket: Socket, topic: string): void {
    setOf(this.#members, topic).add(socket);
    setOf(this.#topicsOf, socket).add(topic);
  }

  leave(socket: Socket, topic: string): void {
    const members = this.#members.get(topic);
    if (members?.delete(socket) && members.size === 0) this.#members.delete(topic);
    this.#topicsOf.get(socket)?.delete(topic);
  }

  leaveAll(socket: Socket): void {
    for (const topic of [...(this.#topicsOf.get(socket) ?? [])]) this.leave(socket, topic);
    this.#topicsOf.delete(socket);
  }
}

function setOf<Key, Item>(map: Map<Key, Set<Item>>, key: Key): Set<Item> {
  let set = map.get(key);
  if (set === undefined) {
    set = new Set();
    map.set(key, set);
  }
  return set;
}
